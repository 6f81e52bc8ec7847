"""Fréchet distances with all leave-out values from one set of second moments.

The moments of the rows that remain are those of all rows less those of the rows left out, so
each leave-out costs its own eigen-decompositions and a small product, not a pass over the data.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from synthmed.measures.arrays import Array
from synthmed.measures.blocks import Dealt, Index, LeftOut, Pass


@dataclass(frozen=True)
class Moments:
    """Sums over the rows of one side.

    Attributes:
        rows: (N, D) features about a common centre.
        blocks: (N,) block of each row.
        total: (D,) sum of the rows.
        second: (D, D) sum of their outer products.
    """

    rows: Array
    blocks: Index
    total: Array
    second: Array

    @classmethod
    def of(cls, side: Dealt, centre: Array) -> Moments:
        """The sums of a side about a centre (D,), which keeps their digits."""
        rows = side.rows - centre
        return cls(rows, side.blocks, rows.sum(axis=0), rows.T @ rows)

    def without(self, left: tuple[int, ...]) -> tuple[Array, Array]:
        """Mean (D,) and covariance (D, D; divided by N - 1) of the rows not in these blocks."""
        gone = self.rows[np.isin(self.blocks, left)]
        n = len(self.rows) - len(gone)
        mean = (self.total - gone.sum(axis=0)) / n
        scatter = self.second - gone.T @ gone - n * np.outer(mean, mean)
        return mean, scatter / (n - 1)


def frechet_family(
    real: Dealt, synthetic: Dealt, left_out: LeftOut, names: Collection[str]
) -> Pass:
    """Fréchet distance without each set of blocks.

    Args:
        real: (N, D) features in float64.
        synthetic: (M, D) features in float64.
        left_out: Sets of blocks to leave out; at least two rows of each side must remain.
        names: Not used: there is one metric, ``frechet``.

    Returns:
        The squared distances, in float64.
    """
    centre = real.rows.mean(axis=0)
    sides = [Moments.of(side, centre) for side in (real, synthetic)]
    values = [gaussian_distance(*sides[0].without(x), *sides[1].without(x)) for x in left_out]
    return Pass({"frechet": np.array(values)})


def gaussian_distance(mean_a: Array, cov_a: Array, mean_b: Array, cov_b: Array) -> float:
    """Squared Fréchet distance between two Gaussians (Dowson and Landau 1982, equation 16).

    Args:
        mean_a: (D,).
        cov_a: (D, D), symmetric, no negative eigenvalues but for rounding.
        mean_b: (D,).
        cov_b: (D, D).

    Returns:
        ``|m_a - m_b|² + tr S_a + tr S_b - 2 tr (S_a S_b)^½``, at least 0; the last trace is the
        sum of the square roots of the eigenvalues of the symmetric ``S_a^½ S_b S_a^½``.
    """
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    eigenvalues = np.linalg.eigvalsh(root @ cov_b @ root)
    cross = np.sqrt(np.clip(eigenvalues, 0.0, None)).sum()
    means = ((mean_a - mean_b) ** 2).sum()
    return float(max(0.0, means + np.trace(cov_a) + np.trace(cov_b) - 2.0 * cross))
