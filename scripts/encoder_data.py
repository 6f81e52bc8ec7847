"""What `train_encoder.py` learns from: rows of the allowed splits, framed, with their labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SafetyError
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image
from synthmed.training.sources import read_sources

SMALL, LARGE = 64, 96
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class EncoderData:
    """The training images.

    Attributes:
        rows: One row an image.
        small_N3SS: (N, 3, 64, 64) grey levels.
        large_N3SS: (N, 3, 96, 96) grey levels, of which crops are taken.
        from_npz: Whether an image comes from an npz file.
        classes: Names of the classes of each task, "type" first.
        targets: (N,) of each task; -1 where unknown.
        sources: Name, licence, credit, splits and number of images of each source.
    """

    rows: list[Row]
    small_N3SS: Pixels  # noqa: N815
    large_N3SS: Pixels  # noqa: N815
    from_npz: npt.NDArray[np.bool_]
    classes: dict[str, list[str]]
    targets: dict[str, npt.NDArray[np.int64]]
    sources: list[dict[str, Any]]

    @property
    def groups(self) -> list[str]:
        """Hashes of the groups of all images that do not come from an npz file."""
        pairs = zip(self.rows, self.from_npz, strict=True)
        return group_hashes(row for row, packed in pairs if not packed)


def read_data(recipe: Mapping[str, Any], root: Path) -> EncoderData:
    """Read all images that a recipe allows.

    Args:
        recipe: See recipes/encoders/medical-64.yaml.
        root: The folder that paths are relative to.

    Raises:
        SafetyError: A training image, or a training group, is also among the rows that are not
            allowed.
    """
    base = read_sources(str(root / recipe["sources"]["path"]), root)
    allowed = set(recipe["sources"]["splits"])
    rows = [row for row in base.rows if row.split in allowed]
    others = [row for row in base.rows if row.split not in allowed]
    named = {credit["source"]: credit for credit in base.credits}
    sources: list[dict[str, Any]] = [
        {**credit, "splits": sorted(allowed), "kind": "folder"} for credit in named.values()
    ]
    for source in recipe.get("more", ()):
        own, left, entry = _more(source, root)
        rows, others, sources = rows + own, others + left, [*sources, entry]
    for entry in sources:
        own = [row for row in rows if _lies_in(row, entry["source"])]
        entry["images"], entry["pages"] = len(own), _pages(own)
    small, large = _framed(rows, SMALL), _framed(rows, LARGE)
    _refuse_overlap(rows, small, others)
    packed = [_npz(source, root) for source in recipe.get("npz", ())]
    for own, images, entry in packed:
        rows = rows + own
        small = np.concatenate([small, _squares(images, SMALL)])
        large = np.concatenate([large, _squares(images, LARGE)])
        sources.append(entry)
    count = sum(len(own) for own, _, _ in packed)
    from_npz = np.arange(len(rows)) >= len(rows) - count
    kinds = sorted({row.image_type for row in rows})
    classes = {"type": kinds}
    targets = {"type": np.asarray([kinds.index(row.image_type) for row in rows], np.int64)}
    for task in recipe["tasks"]:
        names = class_names(task)
        found = np.asarray([target(row, task, names) for row in rows], np.int64)
        if len(set(found[found >= 0])) > 1:
            classes[task["name"]], targets[task["name"]] = names, found
    return EncoderData(rows, small, large, from_npz, classes, targets, sources)


def class_names(task: Mapping[str, Any]) -> list[str]:
    """Names of a task's classes, in the order of their numbers."""
    if "bins" in task:
        return [f"below {task['bins'][0]}", *(f"from {edge}" for edge in task["bins"])]
    names = [*dict.fromkeys(task["classes"].values())]
    return [*names, task["other"]] if "other" in task else names


def target(row: Row, task: Mapping[str, Any], names: Sequence[str]) -> int:
    """The class of a row in a task, -1 where it is unknown."""
    if row.image_type != task["image_type"]:
        return -1
    value = getattr(row, task["column"], None) or row.extra.get(task["column"])
    values = value if isinstance(value, list | tuple) else [value]
    said = [str(item) for item in values if item not in (None, "")]
    if not said:
        return -1
    if "bins" in task:
        return int(np.digitize(float(said[0]), task["bins"]))
    known = [task["classes"][item] for item in said if item in task["classes"]]
    return names.index(known[0]) if known else len(names) - 1 if "other" in task else -1


def _more(source: Mapping[str, Any], root: Path) -> tuple[list[Row], list[Row], dict[str, Any]]:
    folder = read_dataset(root / source["path"], columns=source["columns"])
    own = [row for row in folder.rows if row.split in source["splits"]]
    left = [row for row in folder.rows if row.split not in source["splits"]]
    entry = {"source": Path(source["path"]).name, "splits": source["splits"], "kind": "folder"}
    return own, left, {**entry, "licence": source["licence"], "credit": source["credit"]}


def _npz(source: Mapping[str, Any], root: Path) -> tuple[list[Row], Pixels, dict[str, Any]]:
    """Rows and (N, H, W) images of a file in MedMNIST's format."""
    path = root / source["path"]
    rows, images = [], []
    with np.load(path, allow_pickle=False) as file:
        for split in source["splits"]:
            images.append(file[f"{split}_images"])
            for number, label in enumerate(file[f"{split}_labels"].reshape(-1)):
                row = Row(path, path.name, split, f"{path.stem}:{split}:{number}")
                row.image_type, row.labels = source["image_type"], (source["labels"][int(label)],)
                rows.append(row)
    return (
        rows,
        np.concatenate(images),
        {
            "source": path.parent.name,
            "splits": source["splits"],
            "kind": "npz",
            "images": len(rows),
            "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "licence": source["licence"],
            "credit": str(source["credit"]).strip(),
        },
    )


def _framed(rows: Sequence[Row], size: int) -> Pixels:
    """(N, 3, size, size) grey levels; grey images have three equal channels."""
    pixels = np.empty((len(rows), 3, size, size), np.uint8)
    for i, row in enumerate(rows):
        image, _ = open_image(row.file)
        framed = Frame.for_image(image, size).apply(image)
        pixels[i] = np.rint((np.clip(framed, -1, 1) + 1) * 127.5).astype(np.uint8)
    return pixels


def _squares(images: Pixels, size: int) -> Pixels:
    """(N, H, W) grey levels -> (N, 3, size, size)."""
    frame = Frame.for_image(images[:1], size)
    unit = images.astype(np.float32) / 127.5 - 1.0
    framed = np.concatenate([frame.apply(image[None])[None] for image in unit])
    levels = np.rint((np.clip(framed, -1, 1) + 1) * 127.5).astype(np.uint8)
    return np.repeat(levels, 3, axis=1)


def _pages(rows: Sequence[Row]) -> list[str]:
    """Pages of single images, with the licence that the collection states."""
    said = {
        f"{row.extra.get('source_url') or row.extra.get('doi')} ({row.extra.get('licence', '')})"
        for row in rows
        if row.extra.get("source_url") or row.extra.get("doi")
    }
    return sorted(said)


def _lies_in(row: Row, folder: str) -> bool:
    return folder in (parent.name for parent in row.file.resolve().parents)


def _refuse_overlap(rows: Sequence[Row], small: Pixels, others: Sequence[Row]) -> None:
    """No group and no picture of the rows that are not allowed."""
    if both := set(group_hashes(rows)) & set(group_hashes(others)):
        raise SafetyError(f"{len(both)} groups are also in splits that must not be learnt from")

    def digests(pixels: Pixels) -> list[str]:
        return [hashlib.sha256(image.tobytes()).hexdigest() for image in pixels]

    seen = set(digests(_framed(others, SMALL)))
    for row, digest in zip(rows, digests(small), strict=True):
        if digest in seen:
            raise SafetyError(
                "the same picture is in a split that must not be learnt from", where=row.file_name
            )
