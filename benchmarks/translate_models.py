"""The translation models of `translate`: trained once by `synthmed train`, continued if killed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.common import ROOT, say
from benchmarks.data import slug
from synthmed.training.run import train

if TYPE_CHECKING:
    from benchmarks.translate_frame import Bench

RECIPE = ROOT / "benchmarks/translate-64.yaml"
BATCH, TINY_BATCH = 32, 8
TINY = {
    "denoiser": {
        "block_out_channels": [16, 32],
        "attention": [False, True],
        "layers_per_block": 1,
        "heads": 2,
    },
    "data.variants": 1,
}


def overrides(
    bench: Bench, data: Path, changed: Mapping[str, Any], shared: Sequence[str]
) -> list[str]:
    """What the recipe is changed to."""
    batch = TINY_BATCH if bench.profile.tiny else BATCH
    steps = -(-bench.profile.views // batch)
    values: dict[str, Any] = {
        "data.sources": str(data.resolve()),
        "codec.path": str(bench.codec.resolve()),
        "device": bench.device,
        "flow.batch_size": batch,
        "flow.schedule.steps": steps,
        "flow.schedule.validate_every": max(1, steps // 8),
        **(TINY if bench.profile.tiny else {}),
        **({"data.shared_groups": list(shared)} if shared else {}),
        **changed,
    }
    return [f"{key}={json.dumps(value)}" for key, value in values.items()]


def trained(
    bench: Bench,
    name: str,
    data: Path,
    changed: Mapping[str, Any] | None = None,
    shared: Sequence[str] = (),
) -> Path:
    """Train the recipe on rows that name their domain, or continue, or open what was trained.

    Args:
        bench: Its profile decides the size; its folder keeps the model.
        name: Name of the model; its folder is made of it.
        data: A dataset folder, or a YAML list of sources.
        changed: What else of the recipe is changed, by key.
        shared: Groups that may stand in several splits (renders of one CT).

    Returns:
        The Generator's folder.
    """
    folder = bench.work / "models" / slug(name)
    if (folder / "generator" / "synthmed.json").is_file():
        return folder / "generator"
    say(f"training a model: {name} ...")
    given = overrides(bench, data, changed or {}, shared)
    resume = (folder / "recipe.yaml").is_file()
    return train(RECIPE, out=folder, overrides=given, resume=resume, progress=False)


def facts(folder: Path) -> dict[str, Any]:
    """What the results say of a model that was trained here; `views` are images that it saw."""
    card = json.loads((folder / "synthmed.json").read_text(encoding="utf-8"))
    recipe = yaml.safe_load((folder.parent / "recipe.yaml").read_text(encoding="utf-8"))
    flow = card["training"]["flow"]
    return {
        "hash": card["hash"],
        "parameters": card["parameters"],
        "views": flow["step"] * recipe["flow"]["batch_size"],
        "domains": {name: entry["images"] for name, entry in card["domains"].items()},
        "training_groups": len(card["training_groups"]),
        "flow": flow,
    }
