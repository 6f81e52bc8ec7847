"""The card of a dataset folder, as a README.md with the header that Hugging Face reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from synthmed.datasets.cards.header import (
    licence_fields,
    plain,
    require,
    size_category,
    tag,
    with_header,
)
from synthmed.datasets.exporters.fidelity import NOT_MEASURED, codec_psnr
from synthmed.datasets.exporters.kinds import NOT_ANONYMOUS, kind_of
from synthmed.datasets.folder import DatasetFolder
from synthmed.datasets.rows import SPLITS, Row, as_text

_MISUSE = (
    "No diagnosis, treatment or any other decision about a person. Do not try to find out who is "
    "shown. Never pass a synthetic image off as a real one."
)
_HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_LABELS_SHOWN = 30


def licence_of(info: Mapping[str, Any]) -> str:
    """Give the licence that a dataset's record states: one, or several joined; "" if none."""
    stated = info.get("licence") or info.get("license")
    if stated:
        return as_text(stated)
    several = info.get("licences") or []
    words = [several] if isinstance(several, str) else list(several)
    return "; ".join(dict.fromkeys(as_text(word) for word in words if as_text(word)))


def dataset_card(
    folder: DatasetFolder, *, licence: str = "", intended_use: str = "", title: str = ""
) -> str:
    """Write the card of a dataset.

    Args:
        folder: The dataset.
        licence: Its licence; "" takes what dataset.json states.
        intended_use: What it is for; "" takes what dataset.json states.
        title: Its name; "" takes the folder's.

    Returns:
        The text of a README.md.

    Raises:
        SafetyError: No licence or no intended use is stated.
    """
    licence = licence.strip() or licence_of(folder.info)
    intended_use = intended_use.strip() or as_text(folder.info.get("intended_use"))
    require(licence, intended_use, folder.path)
    title = title or folder.path.resolve().name
    kinds = Counter[str](kind_of(row) for row in folder.rows)
    parts = [
        f"# {plain(title)}\n",
        _summary(folder, kinds),
        f"## Intended use\n\n{plain(intended_use)}\n",
        f"## Misuse\n\n{plain(as_text(folder.info.get('misuse')) or _MISUSE)}\n",
        _contents(folder),
        _origin(folder, kinds),
        f"## Licence\n\n{plain(licence)}\n",
    ]
    return with_header(_fields(folder, kinds, licence, title), "\n".join(parts))


def _fields(
    folder: DatasetFolder, kinds: Mapping[str, int], licence: str, title: str
) -> dict[str, Any]:
    rows = folder.rows
    texts = any(row.text or row.report for row in rows)
    tasks = {
        "text-to-image": texts,
        "image-classification": any(row.labels for row in rows),
        "image-segmentation": any(row.mask_file or row.masks for row in rows),
        "object-detection": any(row.boxes for row in rows),
    }
    words = {tag(word) for row in rows for word in (row.modality, row.body_part) if word}
    made = ["synthetic"] if kinds.get("generated") or kinds.get("edited") else []
    tables = {split: f"{split}/**" for split in SPLITS if folder.split(split)}
    layout = all((folder.path / split).is_dir() for split in tables)
    configs = [
        {"split": _HUB_SPLITS[split], "path": path} for split, path in tables.items() if layout
    ]
    return {
        "pretty_name": title,
        **licence_fields(licence),
        "task_categories": [name for name, fits in tasks.items() if fits],
        "size_categories": [size_category(len(rows))],
        "tags": ["medical", *made, *sorted(words)],
        "modality": ["image", *(["text"] if texts else [])],
        **({"configs": [{"config_name": "default", "data_files": configs}]} if configs else {}),
    }


def _summary(folder: DatasetFolder, kinds: Mapping[str, int]) -> str:
    words = {"generated": "generated", "edited": "edited from real images", "real": "real"}
    counts = ", ".join(f"{kinds[kind]} {words[kind]}" for kind in words if kinds.get(kind))
    groups = len({row.group_id for row in folder.rows})
    lines = [f"{len(folder.rows)} medical images ({counts}) of {groups} groups (patients or such)."]
    if kinds.get("edited"):
        lines.append(f"**{kinds['edited']} images are {NOT_ANONYMOUS}.**")
    if kinds.get("generated"):
        lines.append("**The generated images show no patient.**")
    return "\n\n".join(lines) + "\n"


def _contents(folder: DatasetFolder) -> str:
    head = "| image type | " + " | ".join(SPLITS) + " |\n|---|---|---|---|\n"
    types = Counter((row.image_type, row.split) for row in folder.rows)
    lines = [
        f"| {plain(name or 'not stated')} | " + " | ".join(str(types[name, s]) for s in SPLITS)
        for name in dict.fromkeys(row.image_type for row in folder.rows)
    ]
    labels = Counter(label for row in folder.rows for label in row.labels)
    named = [f"{plain(label)} {count}" for label, count in labels.most_common(_LABELS_SHOWN)]
    more = len(labels) - len(named)
    text = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    split = plain(
        folder.info.get("split_rule")
        or "by group; no group is in two splits" * _apart(folder.rows)
        or "not stated; groups are in several splits"
    )
    return (
        f"## Contents\n\n{head}"
        + "".join(f"{line} |\n" for line in lines)
        + f"\nSplit: {split}.\n"
        + (f"\nLabels: {text}.\n" if labels else "")
    )


def _apart(rows: list[Row]) -> bool:
    return len({(r.group_id, r.split) for r in rows}) == len({r.group_id for r in rows})


def _origin(folder: DatasetFolder, kinds: Mapping[str, int]) -> str:
    lines = ["## Origin\n"]
    sources = folder.info.get("sources") or []
    for entry in sources if isinstance(sources, list) else [sources]:
        fields = entry.items() if isinstance(entry, dict) else [("source", entry)]
        lines.append("- " + "; ".join(f"{plain(k)}: {plain(v)}" for k, v in fields))
    made = folder.info.get("generation")
    if isinstance(made, dict):
        for name in ("generator", "generator_hash", "guidance", "steps"):
            if name in made:
                lines.append(f"- {name.replace('_', ' ')}: {plain(made[name])}")
    if kinds.get("generated") or kinds.get("edited"):
        figures = codec_psnr(folder.info)
        told = ", ".join(f"{plain(k or 'all types')} {v:.1f} dB" for k, v in figures.items())
        lines.append(f"- PSNR of the generator's codec: {told or NOT_MEASURED}")
    return "\n".join(lines if len(lines) > 1 else [*lines, "Not stated."]) + "\n"
