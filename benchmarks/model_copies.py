"""Whether a generator copies its training images, and whether it makes the same image again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.common import Row
from benchmarks.estimates import estimate
from benchmarks.judges import TypeJudge
from benchmarks.kernel_judge import Array
from benchmarks.model_images import HELD_OUT, Images, Scene
from synthmed.datasets.captions import caption
from synthmed.measures.features import load_extractor
from synthmed.measures.jackknife import jackknife_groups
from synthmed.measures.neighbours import copies
from synthmed.training.augment import SAFE

PLANTED = 64
"""Training images that are planted as copies, at most."""


def copies_row(scene: Scene, name: str) -> Row:
    """Copies among all images of a type, false alarms on real ones, and planted copies found.

    The training images are searched along with those mirror images and turns of them that training
    used too. Planted copies are training images moved by a pixel and made 5 % brighter, as they
    are and through the codec.
    """
    train, held_out = scene.real(name, "train"), scene.real(name, *HELD_OUT)
    extract = load_extractor("structure-16")
    known = extract(_with_turns(train.images, SAFE.get(name, ())))
    holdout = extract(held_out.images)
    parts = [scene.made(name, scene.orders(name))]
    parts += [
        scene.made(attribute.name, orders)
        for attribute in scene.recipe.attributes
        if attribute.image_type == name and len(orders := scene.answers(attribute)[0])
    ]
    picked = np.linspace(0, len(train.images) - 1, min(PLANTED, len(train.images))).astype(int)
    moved = np.pad(train.images[picked], ((0, 0), (0, 0), (0, 0), (1, 0)), mode="edge")[..., :-1]
    planted = np.clip((moved + 1) * 1.05 - 1, -1, 1).astype(np.float32)
    sides = {
        "made": np.concatenate(parts),
        "planted": planted,
        "planted_codec": scene.through_codec(planted),
    }
    row: Row = {"n_train": len(train.images), "n_holdout": len(holdout)}
    for key, images in sides.items():
        found = copies(extract(images), known, holdout, held_out.groups)
        row[key] = estimate(found.rate, found.low, found.high, found.n)
    alarms = (found.false_alarm_rate, found.false_alarm_low, found.false_alarm_high)
    row["false_alarms"] = estimate(*alarms, found.n_holdout)
    return row


def _with_turns(images: Images, operations: Sequence[str]) -> Images:
    """The images, and their mirror images and turns where training uses these."""
    quarters = range(4 if "turn" in operations else 1)
    views = [np.rot90(images, quarter, (-2, -1)) for quarter in quarters]
    if {"turn", "flip"} & set(operations):
        views += [view[..., ::-1] for view in views]
    return np.concatenate(views)


def diversity_row(scene: Scene, judge: TypeJudge, name: str) -> Row:
    """Mean distance of two images of one prompt, over that of real images of one caption.

    Real pairs are of two patients. Prompts count by their number of real images.
    """
    real, orders = scene.real(name, *HELD_OUT), scene.orders(name)
    captions = [caption(row, "simple") for row in real.rows]
    codes = {text: i for i, text in enumerate(dict.fromkeys(captions))}
    patients = {group: i for i, group in enumerate(dict.fromkeys(real.groups))}
    truth = np.asarray(
        [[codes[t], patients[g]] for t, g in zip(captions, real.groups, strict=True)]
    )
    ours = np.asarray([[codes[order.text], i] for i, order in enumerate(orders)])
    made = scene.made(name, orders)
    row: Row = {}
    for key, extract in (
        ("pixels", load_extractor("pixels-16")),
        ("judge", lambda x: judge.embedded(TypeJudge.features(x))),
    ):
        a, b = np.hstack([truth, extract(real.images)]), np.hstack([ours, extract(made)])
        value = _relative_diversity(a, b)
        if not np.isfinite(value):
            return {"skipped": "no caption with images of two patients"}
        ends = jackknife_groups(_relative_diversity, (a, real.groups), (b, None))
        row[key] = estimate(value, *ends, len(made))
    return row


def _relative_diversity(real: Array, made: Array) -> float:
    """Ratio of mean distances within prompts; columns: prompt, patient, features."""
    totals = np.zeros(2)
    for prompt in np.intersect1d(real[:, 0], made[:, 0]):
        sides = [x[x[:, 0] == prompt] for x in (real, made)]
        found = [_mean_distance(side) for side in sides]
        if np.isfinite(found).all():
            totals += len(sides[0]) * np.asarray(found)
    return float(totals[1] / totals[0]) if totals[0] else float("nan")


def _mean_distance(rows: Array) -> float:
    """Mean distance of two rows of different patients; not-a-number if there are none."""
    features = rows[:, 2:]
    squares = (features**2).sum(axis=1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * features @ features.T, 0))
    different: npt.NDArray[np.bool_] = rows[:, None, 1] != rows[None, :, 1]
    return float(distance[different].mean()) if different.any() else float("nan")
