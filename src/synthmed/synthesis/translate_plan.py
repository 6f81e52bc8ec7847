"""What decides a translation: the model's own settings, the depths, the warnings, the plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from synthmed.datasets.rows import row_cells
from synthmed.datasets.splits import group_hashes
from synthmed.synthesis.dial import Dial, choose_depth
from synthmed.synthesis.editing import EditSettings
from synthmed.synthesis.plan import Plan
from synthmed.synthesis.prevalence import prevalence_warnings
from synthmed.synthesis.translate_items import Sources

if TYPE_CHECKING:
    from synthmed.models.generator import Generator


def own_settings(card: Mapping[str, Any], *, calibrated: bool) -> dict[str, Any]:
    """Give the model's own guidance, steps, solver and inversion, as far as its card names them.

    Args:
        card: The model's card: `sampling`, over it `translation`.
        calibrated: Whether the depth comes from the calibration; then its settings come first,
            since it holds for no others.
    """
    places = [card.get("sampling"), card.get("translation")]
    if calibrated:
        places.append((card.get("calibration") or {}).get("settings"))
    found: dict[str, Any] = {}
    for place in filter(None, places):
        names = ("guidance", "steps", "solver", "inversion")
        found.update({name: place[name] for name in names if name in place})
    return found


def choose_dials(
    card: Mapping[str, Any],
    sources: Sources,
    target: str,
    settings: EditSettings,
    ways: Mapping[str, Any],
) -> dict[str, Dial]:
    """Choose the depth for each source domain.

    Args:
        card: The model's card.
        sources: The images.
        target: The domain that they are brought to.
        settings: How images will be edited; its depth does not count.
        ways: `depth`, `keep_structure` and `match_realism` as they were given.

    Raises:
        SynthmedError: As `choose_depth`.
    """
    told = {name: value for name, value in asdict(settings).items() if name != "depth"}
    domains = dict.fromkeys(source.domain for source in sources.images)
    return {domain: choose_depth(card, domain, target, **ways, settings=told) for domain in domains}


def edit_warnings(
    generator: Generator, sources: Sources, target: str, dials: Mapping[str, Dial]
) -> list[str]:
    """Collect what the dial, the prevalences of findings, patients and types warn of."""
    rows = [source.row for source in sources.images]
    found = [*_seen_warning(generator, sources), *_type_warning(generator, sources)]
    for domain, dial in dials.items():
        found += dial.warnings
        if domain != target:
            found += prevalence_warnings(generator.card, domain, target, rows)
    return list(dict.fromkeys(found))


def _seen_warning(generator: Generator, sources: Sources) -> list[str]:
    """Say how many of the patients the generator was trained on."""
    groups = set(group_hashes(source.row for source in sources.images if not source.loose))
    seen = len(groups & set(generator.card.get("training_groups") or ()))
    if not seen:
        return []
    return [
        f"the generator was trained on {seen} of these {len(groups)} patients: results on them say"
        " nothing of others (--split val or test takes others, if splits are the training's)"
    ]


def _type_warning(generator: Generator, sources: Sources) -> list[str]:
    """Name the image types that the generator never saw."""
    known = {str(entry["name"]) for entry in generator.types}
    types = {source.row.image_type for source in sources.images} - {""}
    unknown = ", ".join(sorted(types - known))
    if not (known and unknown):
        return []
    return [f"the generator was trained on {', '.join(sorted(known))}, not on {unknown}"]


def translation_plan(
    generator: Generator,
    sources: Sources,
    target: str,
    settings: EditSettings,
    dials: Mapping[str, Dial],
    batch_size: int,
) -> Plan:
    """Collect what decides the bytes of the dataset."""
    gate = generator.card.get("training", {}).get("gate", {})
    content = [[s.name, s.sha256, s.domain, s.row.split, row_cells(s.row)] for s in sources.images]
    text = json.dumps([content, sources.rejected], sort_keys=True, default=str)
    chosen = {
        "verb": "translate",
        "generator": generator.name,
        "generator_hash": generator.hash,
        "target": target,
        "depths": {domain: dial.depth for domain, dial in dials.items()},
        **{name: value for name, value in asdict(settings).items() if name != "depth"},
        "guidance": float(settings.guidance),
        "frame": {"size": generator.image_size, "window": None, "resample": "area"},
        "device": generator.device.type,
        "dtype": generator.dtype,
        "codec_psnr": {e["image_type"]: round(e["psnr"], 2) for e in gate.get("types", [])},
        "batch_size": min(batch_size, len(sources.images)),
        "images": len(sources.images),
        "sources": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
    }
    return Plan(chosen, (), int(str(chosen["batch_size"])))


def about_translation(
    generator: Generator, sources: Sources, dials: Mapping[str, Dial]
) -> dict[str, Any]:
    """Say in dataset.json why these depths, and how many patients the model was trained on."""
    trained, codec = (
        set(generator.card.get(key) or ()) for key in ("training_groups", "codec_groups")
    )
    named = [source.row for source in sources.images if not source.loose]
    groups = group_hashes(named)
    return {
        "translation": {
            "depths": {domain: asdict(dial) for domain, dial in dials.items()},
            "groups": len(groups) if named else None,  # nobody knows whose loose files are
            "groups_of_the_training_set": len(trained & set(groups)) if named else None,
            "groups_of_the_codec": len(codec & set(groups)) if named else None,
        }
    }
