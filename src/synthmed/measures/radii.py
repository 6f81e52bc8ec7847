"""Distances to the k-th neighbour in the same set, without each set of blocks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.blocks import Dealt, Index, LeftOut, kept_blocks
from synthmed.measures.search import nearest_squares, rows_at_once, squared_distances

CHUNK = 512


def squared_radii(side: Dealt, left_out: LeftOut, k: int, blocks: int) -> Array:
    """Squared distance of each row to its k-th neighbour, without each set of blocks.

    The k nearest rows within each block are found once; the k-th neighbour without some blocks
    is among those of the others. The distances are computed from the differences.

    Args:
        side: (N, D) features in float64.
        left_out: Sets of blocks to leave out.
        k: The neighbour that counts, the row itself not counted.
        blocks: Number of blocks that both sides are dealt into; this side may have no row in some.

    Returns:
        (len(left_out), N); not-a-number for rows in a block that is left out.

    Raises:
        SynthmedError: Not more than k rows remain.
    """
    n, keep = len(side.rows), kept_blocks(left_out, blocks)
    fewest = int(keep[:, side.blocks].sum(axis=1).min())
    if fewest <= k:
        raise SynthmedError(
            f"{fewest} images are too few for a {k}-th neighbour: at least {k + 1} are needed",
            mend="They must remain when any two blocks of groups are left out",
        )
    if not any(left_out):
        own = np.arange(n)
        found = nearest_squares(side.rows, side.rows, k, apart=(own, own))[0][:, k - 1]
        return np.repeat(found[None], len(left_out), axis=0)
    radii = np.full((len(left_out), n), np.nan)
    order = np.argsort(side.blocks, kind="stable")
    edges = np.searchsorted(side.blocks[order], np.arange(keep.shape[1] + 1))
    centred = side.rows - side.rows.mean(axis=0)
    columns = centred[order].T
    squares = (columns**2).sum(axis=0)
    position = np.empty(n, dtype=np.int64)
    position[order] = np.arange(n)
    chunk = rows_at_once(n, CHUNK)
    for start in range(0, n, chunk):
        rows = np.arange(start, min(start + chunk, n))
        table = squares - 2.0 * (centred[rows] @ columns)
        table[rows - start, position[rows]] = np.inf
        values, indices, own = _nearest_by_block(table, edges, k)
        chosen = _kth(values, order[indices], own, keep, k)
        found = _measured(side.rows, rows, chosen)
        mask = keep[:, side.blocks[rows]]
        radii[:, rows] = np.where(mask, found, np.nan)
    return radii


def _nearest_by_block(table: Array, edges: Index, k: int) -> tuple[Array, Index, Index]:
    """Scores (n, c), columns (n, c) and blocks (c,) of the k lowest of each block of columns."""
    values, indices, blocks = [], [], []
    for block, (first, last) in enumerate(pairwise(edges)):
        take = min(k, last - first)
        if take == 0:
            continue
        part = table[:, first:last]
        found = np.argpartition(part, take - 1, axis=1)[:, :take]
        values.append(np.take_along_axis(part, found, axis=1))
        indices.append(found + first)
        blocks.append(np.full(take, block))
    return np.hstack(values), np.hstack(indices), np.concatenate(blocks)


def _kth(values: Array, indices: Index, blocks: Index, keep: NDArray[np.bool_], k: int) -> Index:
    """(sets, n) row that is the k-th neighbour without each set of blocks."""
    chosen = np.empty((len(keep), len(values)), dtype=np.int64)
    for i, kept in enumerate(keep):
        columns = np.flatnonzero(kept[blocks])
        kth = np.argpartition(values[:, columns], k - 1, axis=1)[:, k - 1]
        chosen[i] = indices[np.arange(len(values)), columns[kth]]
    return chosen


def _measured(points: Array, rows: Index, chosen: Index) -> Array:
    """(sets, n) squared distances of rows to the chosen ones; each pair is measured once."""
    pairs, where = np.unique(np.arange(len(rows)) * len(points) + chosen, return_inverse=True)
    first, second = rows[pairs // len(points)], pairs % len(points)
    return squared_distances(points, points, first, second)[where].reshape(chosen.shape)
