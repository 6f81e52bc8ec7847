"""What is compared: all images, each type of image, and each label of a type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from synthmed.datasets.concepts import NORMAL
from synthmed.datasets.rows import Row
from synthmed.evaluation.sides import Side

Index = npt.NDArray[np.int64]
FEWEST_OF_TYPE, FEWEST_OF_LABEL, FEWEST_GROUPS = 20, 50, 4
"""Images, and patients, that a side needs; four groups are the least for an interval."""
_ABSENT = "no finding"


@dataclass(frozen=True)
class Stratum:
    """A part of both sides that is compared by itself.

    Attributes:
        level: All images, those of a type, or those of a label within a type.
        kind: The type; "" in all images.
        label: The label; "" but for labels.
        real: Rows of the real side.
        synthetic: Rows of the synthetic side.
        reason: Why it is not compared; "" if it is.
    """

    level: Literal["total", "type", "label"]
    kind: str
    label: str
    real: Index
    synthetic: Index
    reason: str = ""

    @property
    def title(self) -> str:
        """What a table calls it."""
        if self.level == "total":
            return "all images"
        name = self.kind or "no type"
        return f"{name}: {self.label}" if self.label else name


def strata(real: Side, synthetic: Side) -> list[Stratum]:
    """List what is compared, the whole first.

    A type needs 20 images on each side, a label 50; each side needs four groups (patients).
    What has fewer is listed with the reason. A set of one type has no types of its own, as they
    would be the whole again.

    Args:
        real: The real images.
        synthetic: The synthetic ones.
    """
    sides = (real, synthetic)
    found = [_stratum("total", "", "", sides, [np.arange(len(side)) for side in sides], 2)]
    kinds = [side.kinds for side in sides]
    names = sorted({*kinds[0].tolist(), *kinds[1].tolist()})
    labels = [[_labels(row) for row in side.rows] for side in sides]
    for kind in names:
        rows = [np.flatnonzero(of == kind) for of in kinds]
        if len(names) > 1:
            found.append(_stratum("type", kind, "", sides, rows, FEWEST_OF_TYPE))
        every = set().union(*(labels[s][i] for s in (0, 1) for i in rows[s]))
        for label in sorted(every):
            own = [_with(label, labels[s], rows[s]) for s in (0, 1)]
            found.append(_stratum("label", kind, label, sides, own, FEWEST_OF_LABEL))
    return found


def _stratum(
    level: Literal["total", "type", "label"],
    kind: str,
    label: str,
    sides: tuple[Side, Side],
    rows: Sequence[Index],
    fewest: int,
) -> Stratum:
    n = [len(one) for one in rows]
    groups = [len(np.unique(side.groups[own])) for side, own in zip(sides, rows, strict=True)]
    reason = ""
    if min(n) < fewest:
        reason = f"{n[0]} real and {n[1]} synthetic images; {fewest} on each side are needed"
    elif min(groups) < FEWEST_GROUPS:
        reason = (
            f"{groups[0]} groups of real and {groups[1]} of synthetic images; "
            f"{FEWEST_GROUPS} on each side are needed"
        )
    return Stratum(level, kind, label, rows[0], rows[1], reason)


def _with(label: str, labels: Sequence[frozenset[str]], rows: Index) -> Index:
    return np.asarray([i for i in rows if label in labels[i]], dtype=np.int64)


def _labels(row: Row) -> frozenset[str]:
    """A row's labels, case-folded; all names of "nothing found" are one."""
    folded = (label.strip().casefold() for label in row.labels)
    return frozenset(_ABSENT if label in NORMAL else label for label in folded if label)
