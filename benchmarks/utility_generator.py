"""The generator of `utility_table`: trained on N patients by `synthmed train`, and its images."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT
from benchmarks.utility_sets import SEED, RealSet, labelled
from synthmed.datasets.captions import caption
from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.designs import some_patients
from synthmed.evaluation.utility_parts.labelled import Labelled
from synthmed.evaluation.utility_parts.seen import seen_groups
from synthmed.imaging.reading import open_image
from synthmed.imaging.spec import spec_8bit
from synthmed.synthesis.generate import generate, open_model
from synthmed.synthesis.prompts import Prompt
from synthmed.training.run import train

RECIPE = ROOT / "recipes/small-64.yaml"
VALIDATION = 0.12
"""Share of N whose losses choose the generator's step; nothing outside of N is used."""
GUIDANCE = 1.25
"""Set beforehand: near 1, so that the images stay as varied as the data."""
STEPS = 16


@dataclass(frozen=True)
class Size:
    """How long and how large a generator is trained.

    Attributes:
        views: Images that codec and flow see at least, each.
        tiny: Networks that only prove that the script works.
        device: Where to compute.
    """

    views: int
    tiny: bool
    device: str


def write_half(real: RealSet, folder: Path) -> Path:
    """Write "N" as a dataset folder: most patients in train, some in val, nobody else.

    Args:
        real: The set.
        folder: The dataset folder; left alone if it is finished.
    """
    if (folder / "dataset.json").is_file():
        return folder
    rows, half = real.half_rows(), real.double.take(real.half)
    val = set(some_patients(half, VALIDATION, SEED + 1).tolist())
    images = [open_image(row.file)[0] for row in rows]
    channels = max(image.shape[0] for image in images)
    writer = DatasetWriter(folder, spec_8bit(channels, "PNG"))
    for i, (row, image) in enumerate(zip(rows, images, strict=True)):
        plain = Row(row.file, f"{i:05d}.png", "val" if i in val else "train", row.group_id)
        known = {"labels": row.labels, "image_type": row.image_type, "modality": row.modality}
        writer.add(replace(plain, **known), image)
    writer.finish()
    return folder


def overrides(data: Path, image_size: int, size: Size) -> list[str]:
    """What the recipe `small-64` is changed to: labels as conditions, the full number of steps."""
    codec_batch, flow_batch = (4, 4) if size.tiny else (16, 32)
    codec_steps, flow_steps = (-(-size.views // batch) for batch in (codec_batch, flow_batch))
    levels = [16, 32, 64] if image_size >= 64 else [32, 64]
    crop = image_size // 2 if image_size >= 64 else 0
    changed: dict[str, Any] = {
        "name": "utility",
        "device": size.device,
        "data.sources": str(data.resolve()),
        "data.image_size": image_size,
        "codec.block_out_channels": [8, 16] if size.tiny else levels,
        "codec.batch_size": codec_batch,
        "codec.crop": 0 if size.tiny else crop,
        "codec.crop_steps": 0 if size.tiny else int(0.9 * codec_steps) if crop else 0,
        "codec.gate.go_on": True,
        "condition": {"kind": "label", "width": 32 if size.tiny else 64},
        "flow.batch_size": flow_batch,
        "flow.watch_images": 0,
    }
    for stage, steps in (("codec", codec_steps), ("flow", flow_steps)):
        changed[f"{stage}.schedule.steps"] = steps
        changed[f"{stage}.schedule.validate_every"] = max(1, steps // 16)
        changed[f"{stage}.schedule.patience"] = 1000  # every step is taken; the best one is kept
    if size.tiny:
        changed["denoiser"] = {"block_out_channels": [16, 32], "attention": [False, True]}
        changed["denoiser"] |= {"layers_per_block": 1, "heads": 2}
    return [f"{key}={json.dumps(value)}" for key, value in changed.items()]


def trained(real: RealSet, work: Path, size: Size) -> Path:
    """Train the generator on "N", or continue; gives its folder."""
    data, run = write_half(real, work / "half"), work / "run"
    if (run / "generator" / "synthmed.json").is_file():
        return run / "generator"
    changed = overrides(data, real.size, size)
    return train(RECIPE, out=run, overrides=changed, resume=(run / "recipe.yaml").is_file())


def facts(generator: Path, size: Size) -> dict[str, Any]:
    """What the results say of a generator that was trained here."""
    card = json.loads((generator / "synthmed.json").read_text(encoding="utf-8"))
    training = card["training"]
    return {
        "hash": card["hash"],
        "parameters": card["parameters"],
        "views": size.views,
        "training_images": card["training_images"],
        "training_groups": len(card["training_groups"]),
        "validation_groups": len(card["validation_groups"]),
        "codec": training["codec"],
        "flow": training["flow"],
        "codec_psnr": {row["image_type"]: row["psnr"] for row in training["gate"]["types"]},
        "guidance": GUIDANCE,
        "steps": STEPS,
    }


def own_images(real: RealSet, generator: Path, out: Path, device: str) -> Labelled:
    """Images of the set's own generator: as many of each class as "N" has."""
    rows = real.half_rows()
    counts = Counter(row.labels[0] for row in rows)
    prompts = [
        Prompt(label, count, labels=(label,), image_type=rows[0].image_type)
        for label, count in sorted(counts.items())
    ]
    return _made(real, generator, prompts, out, device)


def bundled_images(real: RealSet, generator: Path, out: Path, device: str) -> Labelled | None:
    """Images of a bundled text generator, one from each caption of "N"; None if it knows none."""
    model = open_model(generator, device=device)
    rows = real.half_rows()
    if rows[0].image_type not in {entry["name"] for entry in model.types}:
        return None
    prompts = []
    for i, row in enumerate(rows):
        text = caption(row, "simple")
        try:
            model.condition([{"text": text}])
        except SynthmedError:  # longer than the model reads
            continue
        prompts.append(
            Prompt(text, 1, id=f"n{i:05d}", labels=row.labels, image_type=row.image_type)
        )
    return _made(real, generator, prompts, out, device) if len(prompts) == len(rows) else None


def _made(
    real: RealSet, generator: Path, prompts: Sequence[Prompt], out: Path, device: str
) -> Labelled:
    generate(generator, prompts, out, seed=SEED, steps=STEPS, guidance=GUIDANCE, device=device)
    made = read_dataset(out)
    card = json.loads((generator / "synthmed.json").read_text(encoding="utf-8"))
    return labelled(made.rows, real.classes, real.pictures(made.rows), seen_groups(card))
