"""Generators that `privacy_audit` judges: one trained on 50 images, and the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common import ROOT, Row
from benchmarks.data import eight_bits
from benchmarks.estimates import estimate
from benchmarks.privacy_rows import FALSE_ALARM
from benchmarks.privacy_scenes import Images, Scene
from benchmarks.samplers import SEED
from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row as RealRow
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.imaging.spec import spec_8bit
from synthmed.measures.copies.audit import CopyAudit, find_copies
from synthmed.models.generator import Generator
from synthmed.models.quiet import quiet
from synthmed.synthesis.sampling import Sampling
from synthmed.training.run import train
from synthmed.transport.guidance import Guidance
from synthmed.transport.seeds import row_seed

FEW = 50
BATCH = 16
PLAIN = Sampling(guidance=1.0)
RECIPE = ROOT / "recipes/small-64.yaml"


def overfitted_row(
    scene: Scene, model: Path, steps: int, made: int, device: str, work: Path
) -> Row:
    """Train a small generator on few images of a set and look for copies among what it makes.

    It takes the model's codec, sees every image as it is, and is validated at the end only: the
    trainer keeps the best validated weights, which would be those of before the overfitting. The
    hold-out images are those of all patients whom it never saw, and who did not validate it.
    """
    chosen, val, others = _dealt(scene)
    data = work / "few" / "data"
    _write(scene, chosen, val, data)
    folder = work / "few" / "run"
    overrides = [
        f"data.sources={data}",
        f"data.image_size={scene.size}",
        "data.variants=1",
        "data.captions=1",
        "data.styles=[simple]",
        f"codec.path={model / 'vae'}",
        "codec.gate.psnr=1",
        "codec.gate.power=0",
        "codec.gate.attribute_margin=1",
        f"flow.batch_size={BATCH}",
        "flow.watch_images=8",
        "flow.max_copies=1",
        f"flow.schedule.steps={steps}",
        f"flow.schedule.validate_every={steps}",
        f"flow.schedule.warmup={min(100, steps)}",
        f"device={device}",
        f"seed={SEED}",
    ]
    finished = train(
        RECIPE, out=folder, overrides=overrides, resume=folder.is_dir(), progress=False
    )
    with quiet():
        generator = Generator.load(finished, device=device)
    images = _sampled(scene, generator, [caption(row, "simple") for row in chosen], made)
    result = find_copies(
        images,
        _images(scene, chosen),
        _images(scene, others),
        holdout_groups=[row.group_id for row in others],
        train_groups=[row.group_id for row in chosen],
        symmetries=scene.symmetries,
        false_alarm=FALSE_ALARM,
        seed=SEED,
    )
    return {"steps": steps, "views": steps * BATCH, **_judged(result)}


def bundled_row(scene: Scene, generator: Generator, made: int) -> Row:
    """Look for copies of its own training images among what the model makes."""
    texts = [caption(row, "simple") for row in scene.held_out]
    readable = [text for text in dict.fromkeys(texts) if _reads(generator, text)]
    if not readable:
        return {"skipped": "no caption of the set fits the model"}
    how = Sampling(**generator.card.get("sampling", {}))
    images = _sampled(scene, generator, readable, made, how)
    result = find_copies(
        images,
        scene.train_images,
        scene.held_images,
        holdout_groups=scene.held_groups,
        train_groups=scene.train_groups,
        symmetries=scene.symmetries,
        false_alarm=FALSE_ALARM,
        seed=SEED,
    )
    return _judged(result)


def _judged(result: CopyAudit) -> Row:
    return {
        "copies": estimate(*result.rate, result.n),
        "false_alarms": estimate(*result.false_alarms, result.n_holdout),
        "n_train": result.n_train,
        "copied": len({finding.train for finding in result.findings}),
        "median_score": float(np.median(result.scores)),
        "threshold": result.threshold,
        "method": result.method,
    }


def _dealt(scene: Scene) -> tuple[list[RealRow], list[RealRow], list[RealRow]]:
    """Few training rows, one a patient as far as that goes; validating rows; all others' rows."""
    order = np.random.default_rng(SEED).permutation(len(scene.train)).tolist()
    first = {scene.train[i].group_id: i for i in reversed(order)}
    ranked = sorted(order, key=lambda i: first[scene.train[i].group_id] != i)
    chosen = [scene.train[i] for i in ranked[:FEW]]
    held = list(dict.fromkeys(row.group_id for row in scene.held_out))
    validating = set(held[: max(1, len(held) // 4)])
    val = [row for row in scene.held_out if row.group_id in validating]
    seen = {row.group_id for row in chosen} | validating
    others = [row for row in (*scene.train, *scene.held_out) if row.group_id not in seen]
    return chosen, val, others


def _images(scene: Scene, rows: Sequence[RealRow]) -> Images:
    """The images of some rows of a set."""
    every = {id(row): i for i, row in enumerate((*scene.train, *scene.held_out))}
    images = np.concatenate([scene.train_images, scene.held_images])
    return np.asarray(images[[every[id(row)] for row in rows]])


def _write(scene: Scene, chosen: Sequence[RealRow], val: Sequence[RealRow], out: Path) -> None:
    """A dataset folder of the framed images."""
    if (out / "dataset.json").is_file():
        return
    writer = DatasetWriter(out, spec_8bit(3, "PNG"), {"note": "real images; never publish"})
    for split, rows in (("train", chosen), ("val", val)):
        for number, (row, image) in enumerate(zip(rows, _images(scene, rows), strict=True)):
            name = f"{number:04d}.png"
            kept = replace(row, file=Path(name), file_name=name, split=split, extra={}, boxes=[])
            grey = np.array_equal(image[0], image[1])
            writer.add(replace(kept, mask_file=None, masks={}), image[:1] if grey else image)
    writer.finish()


def _reads(generator: Generator, text: str) -> bool:
    try:
        generator.condition([text])
    except SynthmedError:
        return False
    return True


def _sampled(
    scene: Scene, generator: Generator, texts: Sequence[str], count: int, how: Sampling = PLAIN
) -> Images:
    """Images of some prompts in turns, 8 bits deep, grey where the set is grey."""
    prompts = [texts[i % len(texts)] for i in range(count)]
    seeds = [row_seed(SEED, f"privacy {i}") for i in range(count)]
    strength = Guidance(how.guidance, how.start, how.stop)
    parts = []
    for start in range(0, count, 32):
        part = slice(start, start + 32)
        parts.append(
            generator.sample(
                prompts[part],
                seeds[part],
                steps=how.steps,
                guidance=strength,
                solver=how.solver,
                shift=how.shift,
            ).numpy()
        )
    images = np.concatenate(parts)
    if np.array_equal(scene.train_images[:, 0], scene.train_images[:, 1]):
        images = np.repeat(images.mean(axis=1, keepdims=True), 3, axis=1)
    return eight_bits(images)
