"""How much farther from real patients a set lies than other real patients do.

Both numbers compare two halves A and B of the real set (no patient in both) with each other,
and a set X with both; the difference of the two has its own interval, by one jackknife over all
groups, because A and B stand on both sides of the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.jackknife import jackknife_groups

Sample = tuple[Any, Sequence[Any]]
"""(N, D) features and the group of each row."""
NEIGHBOUR = 5


@dataclass(frozen=True)
class Excess:
    """A difference with its 95 % interval.

    Attributes:
        value: The difference on the whole samples.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def kid_excess(
    first: Sample,
    second: Sample,
    against_first: Sample,
    against_second: Sample | None = None,
    *,
    blocks: int = 20,
) -> Excess:
    """Kernel distance to real images, less that between real images.

    ``(KID(A, X) + KID(B, X')) / 2 - KID(A, B)`` with the unbiased KID of
    ``synthmed.measures.fidelity.kid``. 0 in expectation if X holds images of further real
    patients.

    Args:
        first: A, one half of the real images.
        second: B, the other half.
        against_first: X, what is compared with A.
        against_second: X', what is compared with B; None takes X for both.
        blocks: Number of jackknife blocks.

    Returns:
        The excess with its interval.

    Raises:
        SynthmedError: Widths that differ, or a sample of fewer than four groups.
    """
    stack, samples = _stacked(first, second, against_first, against_second)
    kernel = (stack @ stack.T / stack.shape[1] + 1.0) ** 3
    own = kernel.diagonal()

    def statistic(*rows: Any) -> float:
        """The excess of KID of some rows of each sample."""
        member = np.zeros((len(stack), len(rows)))
        for column, chosen in enumerate(rows):
            member[chosen, column] = 1.0
        n, sums = member.sum(axis=0), member.T @ (kernel @ member)
        within = (sums.diagonal() - own @ member) / (n * (n - 1))

        def kid(i: int, j: int) -> float:
            return float(within[i] + within[j] - 2.0 * sums[i, j] / (n[i] * n[j]))

        return (kid(0, 2) + kid(1, len(rows) - 1)) / 2.0 - kid(0, 1)

    return _with_interval(statistic, samples, blocks)


def coverage_loss(
    first: Sample,
    second: Sample,
    against_first: Sample,
    against_second: Sample | None = None,
    *,
    among: tuple[Sample, Sample] | None = None,
    blocks: int = 20,
) -> Excess:
    """Share of real images that further real patients reach and a set does not.

    ``(cov(A, B) + cov(B, A) - cov(A, X) - cov(B, X')) / 2`` with the coverage of Naeem et al.
    2020 (equation 5): the share of the first set's images whose ball, as wide as to the fifth
    neighbour in its own set, holds an image of the second. It grows with the size of the second:
    what covers (B, A, X and X') must have one size.

    Args:
        first: A, one half of the real images.
        second: B, the other half.
        against_first: X, what is to cover A.
        against_second: X', what is to cover B; None takes X for both.
        among: Real images that cover A and B in the place of B and A, where X is smaller than
            these; no patient of A covers A.
        blocks: Number of jackknife blocks.

    Returns:
        The loss with its interval; about 0 if X holds images of further real patients.

    Raises:
        SynthmedError: Widths that differ, or samples that are too small.
    """
    stack, samples = _stacked(first, second, *(among or ()), against_first, against_second)
    real = (2, 3) if among else (1, 0)
    made = (4 if among else 2, len(samples) - 1)
    squares = (stack**2).sum(axis=1)
    distance = np.maximum(squares[:, None] + squares - 2.0 * stack @ stack.T, 0.0)
    np.fill_diagonal(distance, 0.0)

    def statistic(*rows: Any) -> float:
        """The loss of coverage of some rows of each sample."""
        if min(len(rows[0]), len(rows[1])) <= NEIGHBOUR:
            raise SynthmedError(f"a half of the real images has fewer than {NEIGHBOUR + 1}")
        radii = [
            np.partition(distance[np.ix_(rows[i], rows[i])], NEIGHBOUR, axis=1)[:, NEIGHBOUR]
            for i in (0, 1)
        ]

        def covered(i: int, j: int) -> float:
            closest = distance[np.ix_(rows[i], rows[j])].min(axis=1)
            return float((closest <= radii[i]).mean())

        return sum(covered(i, real[i]) - covered(i, made[i]) for i in (0, 1)) / 2.0

    return _with_interval(statistic, samples, blocks)


def _stacked(
    first: Sample, second: Sample, *others: Sample | None
) -> tuple[Array, list[tuple[Any, Any]]]:
    """All rows in one table, and for each sample its places there and its groups."""
    samples = [first, second, *(other for other in others if other is not None)]
    tables = [as_features(rows) for rows, _ in samples]
    for table in tables:
        same_width(tables[0], table)
    ends = np.cumsum([0, *map(len, tables)])
    places = [np.arange(a, b) for a, b in pairwise(ends)]
    return np.concatenate(tables), [
        (place, groups) for place, (_, groups) in zip(places, samples, strict=True)
    ]


def _with_interval(
    statistic: Callable[..., float], samples: Sequence[tuple[Any, Any]], blocks: int
) -> Excess:
    low, high = jackknife_groups(statistic, *samples, blocks=blocks)
    return Excess(float(statistic(*(rows for rows, _ in samples))), low, high)
