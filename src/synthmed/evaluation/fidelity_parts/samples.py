"""The samples of which the lights are made: halves of the real set, as many synthetic images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.fidelity_parts.excess import Sample
from synthmed.evaluation.fidelity_parts.halves import cut, halves

Index = npt.NDArray[np.int64]
Names = npt.NDArray[Any]


@dataclass(frozen=True)
class Part:
    """Some rows of a table, and their groups."""

    rows: Index
    groups: list[str]

    def of(self, table: npt.NDArray[Any]) -> Sample:
        """These rows of a table of features, with their groups."""
        return table[self.rows], self.groups


@dataclass(frozen=True)
class Samples:
    """Samples of one stratum.

    Attributes:
        first: A half of the real images, with no more than there are synthetic ones.
        second: As many of the other half; no patient is in both.
        synthetic: As many synthetic images.
        control: Of real images on one side of the mean, what is to cover ``first`` and
            ``second``: none is of the half that it covers.
        among: As many images of both sides for each.
    """

    first: Part
    second: Part
    synthetic: Part
    control: tuple[Part, Part]
    among: tuple[Part, Part]


def samples(
    own: Index,
    table: npt.NDArray[np.floating[Any]],
    columns: tuple[Names, Names],
    synthetic: tuple[Index, Names],
    most: int,
    seed: int,
) -> Samples:
    """Draw the samples of a stratum.

    Coverage depends on the sizes of both samples, so what is compared has one size. The controls
    come from halves that are as large as can be.

    Args:
        own: Rows of the table that the stratum holds.
        table: (N, D) features of real images.
        columns: (N,) group (patient) and (N,) type of each.
        synthetic: Rows of the stratum's synthetic images, and (M,) group of all synthetic ones.
        most: Rows of a half at most.
        seed: Seeds the halves and the cuts.

    Returns:
        The samples; without rows if the stratum has one real group only.
    """
    wide = [own[half] for half in halves(columns[0][own], columns[1][own], most, seed)]
    size = min(len(wide[0]), len(synthetic[0]))
    low = _one_side(wide, table)
    least = min(size, *map(len, low))

    def part(rows: Index, names: Names, count: int) -> Part:
        chosen = rows[cut(names[rows], count, seed)]
        return Part(chosen, names[chosen].tolist())

    names = columns[0]
    return Samples(
        part(wide[0], names, size),
        part(wide[1], names, size),
        part(*synthetic, size),
        (part(low[1], names, least), part(low[0], names, least)),
        (part(wide[1], names, least), part(wide[0], names, least)),
    )


def _one_side(both: Sequence[Index], table: npt.NDArray[np.floating[Any]]) -> list[Index]:
    """Rows of each half on one side of the mean, along the first principal component."""
    every = table[np.concatenate(both)].astype(np.float64)
    if not len(every):
        return [half[:0] for half in both]
    centre = every.mean(axis=0)
    direction = np.linalg.svd(every - centre, full_matrices=False)[2][0]
    return [half[(table[half] - centre) @ direction <= 0] for half in both]
