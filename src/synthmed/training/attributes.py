"""Does a codec keep what a label is about? Classifiers judge real images and reconstructions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from synthmed.datasets.splits import group_hashes
from synthmed.measures.agreement import auroc
from synthmed.measures.classifier import fit_classifier
from synthmed.models.codec import Codec
from synthmed.training.data import TrainingImages

MEASURABLE = 0.8
"""AUROC that a judge must reach on real images before it counts."""
_LEAST_TRAIN, _LEAST_VAL = 40, 10  # images of the rarer answer


@dataclass(frozen=True)
class AttributeCheck:
    """One label's AUROC on validation images.

    Attributes:
        label: The label, against all other images of the type.
        real: AUROC on the real images.
        reconstructed: AUROC of the same classifier on their reconstructions.
        measurable: Whether `real` reaches .80; below it the label says nothing about the codec.
    """

    label: str
    real: float
    reconstructed: float
    measurable: bool

    def passed(self, margin: float) -> bool:
        """Whether `reconstructed` is at most the margin below `real`, or not measurable."""
        return not self.measurable or self.reconstructed >= self.real - margin


@torch.no_grad()
def attribute_checks(
    codec: Codec, images: TrainingImages, seed: int
) -> dict[str, list[AttributeCheck]]:
    """Train one small classifier of all common labels on the training rows and judge the codec.

    Args:
        codec: The codec.
        images: The run's images; labels with fewer than 40 training and 10 validation images on
            either side are left out.
        seed: Of the classifier.

    Returns:
        Checks by image type.
    """
    targets = _targets(images)
    if not targets:
        return {}
    columns = {f"{kind}|{label}": column for (kind, label), column in targets.items()}
    judged = np.any([column >= 0 for column in columns.values()], axis=0)
    train, val = ([i for i in images.indices(split) if judged[i]] for split in ("train", "val"))
    with torch.enable_grad():
        judge = fit_classifier(
            images.tensor(train).numpy(),
            {key: column[train] for key, column in columns.items()},
            groups=group_hashes(images.rows[i] for i in train),
            seed=seed,
        )
    real = images.tensor(val)
    decoded = torch.cat([codec.decode(codec.encode(part)).cpu() for part in real.split(64)])
    seen, remade = judge.predict(real.numpy()), judge.predict(decoded.clamp(-1, 1).numpy())
    checks: dict[str, list[AttributeCheck]] = {}
    for (kind, label), column in targets.items():
        known = column[val] >= 0
        truth = column[val][known]
        key = f"{kind}|{label}"
        a, b = auroc(truth, seen[key][known][:, 1]), auroc(truth, remade[key][known][:, 1])
        checks.setdefault(kind, []).append(AttributeCheck(label, a, b, a >= MEASURABLE))
    return checks


def _targets(images: TrainingImages) -> dict[tuple[str, str], npt.NDArray[np.int64]]:
    """For each common label of each type: 1 has it, 0 has not, -1 is of another type."""
    kinds = np.asarray([row.image_type for row in images.rows])
    splits = np.asarray([row.split for row in images.rows])
    pairs = Counter((row.image_type, label) for row in images.rows for label in row.labels)
    targets = {}
    for kind, label in pairs:
        has = np.asarray([label in row.labels for row in images.rows])
        column = np.where(kinds == kind, has.astype(np.int64), -1)
        sides = [
            min(int(((column == side) & (splits == split)).sum()) for side in (0, 1))
            for split in ("train", "val")
        ]
        if sides[0] >= _LEAST_TRAIN and sides[1] >= _LEAST_VAL:
            targets[(kind, label)] = column
    return targets
