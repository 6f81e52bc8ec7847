"""Exact nearest neighbours: screened in float32, decided in float64.

A product of float32 matrices gives every squared distance less a margin for its rounding: a
bound that no true distance falls below. The rows with the lowest bounds are measured exactly,
from the differences. Where the next lowest bound lies above these distances, nothing can be
nearer; the few rows where it does not are searched again in float64. Neighbours whose squared
distances differ by less than the rounding of float64 (about 1e-15 of the squared norms) may
change places; the distances given are exact all the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.blocks import Index

FEW = 16  # up to here, that many searches for a minimum beat one partition of the row


def nearest(
    a: Any, b: Any, k: int = 2, chunk: int = 1024, apart: tuple[Any, Any] | None = None
) -> tuple[Array, Index]:
    """The k nearest rows of ``b`` for each row of ``a`` by Euclidean distance.

    Args:
        a: (N, D) features.
        b: (M, D) features, M at least k.
        k: Number of neighbours.
        chunk: Rows of ``a`` taken at a time, fewer for large M; memory is chunk × M numbers.
        apart: Group of each row of ``a`` and of each row of ``b``; rows of one group are no
            neighbours.

    Returns:
        Distances (N, k), rising, computed from the differences in float64 (an exact copy has
        distance 0), and the rows of ``b`` (N, k). With ``apart``, infinite distances where
        fewer than k rows of other groups exist.

    Raises:
        SynthmedError: Fewer than k rows in ``b``, or widths that differ.
    """
    a, b = as_features(a), as_features(b, rows=k)
    same_width(a, b)
    squares, indices = nearest_squares(a, b, k, chunk, apart)
    return np.sqrt(squares), indices


def nearest_squares(
    a: Array, b: Array, k: int, chunk: int = 1024, apart: tuple[Any, Any] | None = None
) -> tuple[Array, Index]:
    """As ``nearest``, of checked float64 arrays: squared distances and rows of ``b``."""
    codes, chunk = _codes(apart, len(a), len(b)), rows_at_once(len(b), chunk)
    screen = Screen(b, b.mean(axis=0), reach_of(a, b))
    squares, indices = np.empty((len(a), k)), np.empty((len(a), k), dtype=np.int64)
    doubtful = np.zeros(len(a), dtype=bool)
    for start in range(0, len(a), chunk):
        rows = np.arange(start, min(start + chunk, len(a)))
        bounds = screen.bounds(a[rows])
        if codes is not None:
            bounds[codes[0][rows, None] == codes[1]] = np.inf
        low, found = _lowest(bounds, min(k + 1, len(b)))
        squares[rows], indices[rows] = _measured(a[rows], b, low[:, :k], found[:, :k])
        if len(b) > k:  # an infinite bound next means that no further row may count
            may_be_nearer = squares[rows, -1] * screen.scale**2 >= low[:, k]
            doubtful[rows] = may_be_nearer & np.isfinite(low[:, k])
    again = np.flatnonzero(doubtful)
    if len(again):
        centred = b - screen.centre
        norms = (centred**2).sum(axis=1)
    for start in range(0, len(again), chunk):
        rows = again[start : start + chunk]
        scores = norms - 2.0 * (a[rows] - screen.centre) @ centred.T
        if codes is not None:
            scores[codes[0][rows, None] == codes[1]] = np.inf
        squares[rows], indices[rows] = _measured(a[rows], b, *_lowest(scores, k))
    return squares, indices


class Screen:
    """Lower bounds on squared distances to the rows of a table, in float32.

    Rows are moved to a common centre and scaled into [-1, 1], so that nothing overflows. The
    product of rows extended by ``1`` and ``|a|²`` with ``(-2 b, |b|², 1)`` is the squared
    distance; its error is at most ``margin (|a|² + |b|²)`` with
    ``margin = 2 (D + 8) 2^-24`` (Higham 2002, section 3.1), in whatever order it is summed.

    Args:
        b: (M, D) table.
        centre: (D,) what is taken from every row.
        reach: Largest absolute difference of any value from the centre, above 0.
    """

    def __init__(self, b: Array, centre: Array, reach: float) -> None:
        self.centre, self.scale = centre, 1.0 / reach
        self.margin = 2.0 * (b.shape[1] + 8) * 2.0**-24
        rows, squares = self.scaled(b)
        low = ((1.0 - self.margin) * squares - 1e-36)[:, None].astype(np.float32)
        self.table = np.hstack([-2.0 * rows, low, np.ones_like(low)]).T

    def scaled(self, rows: Array) -> tuple[NDArray[np.float32], Array]:
        """Rows (n, D) about the centre in float32, and their squared norms (n,)."""
        moved = (rows - self.centre) * self.scale
        return moved.astype(np.float32), np.asarray((moved * moved).sum(axis=1))

    def bounds(self, rows: Array) -> NDArray[np.float32]:
        """(n, M) lower bounds, in units of ``1 / scale²``."""
        moved, squares = self.scaled(rows)
        low = ((1.0 - self.margin) * squares)[:, None].astype(np.float32)
        return np.asarray(np.hstack([moved, np.ones_like(low), low]) @ self.table)


def squared_distances(a: Array, b: Array, i: Index, j: Index, batch: int = 2048) -> Array:
    """Squared distances of the pairs (a[i], b[j]) from the differences.

    The same two rows give the same number, in whatever order or batch.
    """
    found = np.empty(len(i))
    for start in range(0, len(i), batch):
        part = slice(start, start + batch)
        difference = a[i[part]] - b[j[part]]
        found[part] = np.square(difference, out=difference).sum(axis=1)
    return found


def rows_at_once(columns: int, most: int) -> int:
    """How many rows of a table of distances to take, so that it holds 10 million at most."""
    return max(1, min(most, 10_000_000 // columns))


def reach_of(*tables: Array) -> float:
    """A bound on the distance of any value from any column's mean; 1 where it is 0 or nearly."""
    reach = float(max(t.max() for t in tables) - min(t.min() for t in tables))
    return reach if reach > 1e-100 else 1.0


def _codes(apart: tuple[Any, Any] | None, n: int, m: int) -> tuple[Index, Index] | None:
    """Groups of both sides as integers."""
    if apart is None:
        return None
    names = [np.asarray(side) for side in apart]
    if (len(names[0]), len(names[1])) != (n, m):
        raise SynthmedError(f"{len(names[0])} and {len(names[1])} groups for {n} and {m} rows")
    _, codes = np.unique(np.concatenate([name.astype(str) for name in names]), return_inverse=True)
    return codes[:n], codes[n:]


def _lowest(table: NDArray[Any], k: int) -> tuple[NDArray[Any], Index]:
    """The k lowest values of each row, rising, and their columns; changes the table."""
    rows = np.arange(len(table))
    if k > FEW:
        found = np.argpartition(table, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(table, found, axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        return np.take_along_axis(values, order, axis=1), np.take_along_axis(found, order, axis=1)
    values, found = np.empty((len(table), k), table.dtype), np.empty((len(table), k), np.int64)
    for j in range(k):
        found[:, j] = table.argmin(axis=1)
        values[:, j] = table[rows, found[:, j]]
        table[rows, found[:, j]] = np.inf
    return values, found


def _measured(a: Array, b: Array, low: NDArray[Any], found: Index) -> tuple[Array, Index]:
    """Exact squared distances of the rows found, in rising order; infinite where low is."""
    n, k = found.shape
    exact = np.empty((n, k))
    for j in range(k):
        exact[:, j] = squared_distances(a, b, np.arange(n), found[:, j])
    exact[np.isinf(low)] = np.inf
    order = np.lexsort((found, exact), axis=1)
    return np.take_along_axis(exact, order, axis=1), np.take_along_axis(found, order, axis=1)
