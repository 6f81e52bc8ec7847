"""Whether a generator copies its training images, and whether it makes the same image again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.common import Row
from benchmarks.estimates import estimate
from benchmarks.judge_features import turned
from benchmarks.judges import TypeJudge
from benchmarks.kernel_judge import Array
from benchmarks.model_images import HELD_OUT, Images, Scene
from benchmarks.samplers import SEED
from synthmed.datasets.captions import caption
from synthmed.measures.features import load_extractor
from synthmed.measures.jackknife import jackknife_groups
from synthmed.measures.neighbours import copies
from synthmed.training.augment import SAFE, augment

PLANTED = 64
"""Training images that are planted as copies, at most."""


def copies_row(scene: Scene, name: str) -> Row:
    """Copies among all images of a type, false alarms on real ones, and planted copies found.

    The training images are searched in every position that their augmentation may have shown them
    in. Planted copies are training images after a random augmentation, as they are and through the
    codec.
    """
    train, held_out = scene.real(name, "train"), scene.real(name, *HELD_OUT)
    extract, operations = load_extractor("structure-16"), SAFE.get(name, ())
    known = np.concatenate([extract(view) for view in _positions(train.images, operations)])
    holdout = extract(held_out.images)
    parts = [scene.made(name, scene.orders(name))]
    for attribute in scene.recipe.attributes:
        no, yes = scene.answers(attribute) if attribute.image_type == name else ([], [])
        if no and yes:
            parts.append(scene.made(attribute.name, [*no, *yes]))
    picked = np.linspace(0, len(train.images) - 1, min(PLANTED, len(train.images))).astype(int)
    draw = torch.Generator().manual_seed(SEED)
    chosen = torch.from_numpy(train.images[picked])
    planted = torch.stack([augment(x, operations, draw) for x in chosen]).numpy()
    sides = {
        "made": np.concatenate(parts),
        "planted": planted,
        "planted_codec": scene.through_codec(planted),
    }
    row: Row = {"n_train": len(train.images), "extractor": f"{extract.id}, {extract.preprocessing}"}
    for key, images in sides.items():
        found = copies(extract(images), known, holdout, held_out.groups)
        row[key] = estimate(found.rate, found.low, found.high, found.n)
    alarms = (found.false_alarm_rate, found.false_alarm_low, found.false_alarm_high)
    row["false_alarms"] = estimate(*alarms, found.n_holdout)
    return row


def _positions(images: Images, operations: Sequence[str]) -> Iterator[Images]:
    """The images turned, mirrored and moved in all ways that the operations can."""
    side = images.shape[-1]
    reach = max(1, round(0.03 * side)) if "shift" in operations else 0
    for view in turned(images, operations):
        wide = np.pad(view, ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="edge")
        for dy, dx in np.ndindex(2 * reach + 1, 2 * reach + 1):
            yield wide[..., dy : dy + side, dx : dx + side]


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
