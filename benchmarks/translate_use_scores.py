"""Dice of several training seeds: means and paired differences with their intervals.

In each draw patients are drawn with replacement, and so are the training seeds; see
`synthmed.evaluation.utility_parts.draws`, whose ends are those of `measures.intervals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row
from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.draws import Draws, Scored

BOOTSTRAPS, SEED = 2000, 0
Dices = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What one way of training reaches on the test images.

    Attributes:
        dices: (S, N) Dice of each training seed on each image.
        groups: (N,) patient of each image.
    """

    dices: Dices
    groups: list[str]

    def scored(self) -> Scored:
        """The mean over images and seeds, whole and in each draw."""
        seeds, n = self.dices.shape
        draws = Draws.make(self.groups, seeds, BOOTSTRAPS, SEED)
        drawn = draws.rows_BN @ self.dices.T / draws.rows_BN.sum(axis=1, keepdims=True)
        values = (drawn * draws.seeds_BS).sum(axis=1)
        return Scored(self.dices.mean(axis=1), values, n, len(set(self.groups)))

    def row(self) -> Row:
        """Mean Dice with its interval, that of each seed, their standard deviation."""
        found = self.scored()
        return {"dice": found.estimate(), **found.spread()}

    def minus(self, other: Scores) -> Row:
        """The paired difference with its interval, over the same patients and seeds.

        Raises:
            SynthmedError: Scores of other images or seeds.
        """
        if self.groups != other.groups or self.dices.shape != other.dices.shape:
            raise SynthmedError("only scores of the same images and seeds can be paired")
        return self.scored().minus(other.scored()).estimate()


def same_for_all_seeds(dices: NDArray[np.float64], seeds: int, groups: Sequence[str]) -> Scores:
    """Scores of what is not trained: (N,) Dice, equal for all seeds."""
    return Scores(np.repeat(dices[None], seeds, axis=0), list(groups))
