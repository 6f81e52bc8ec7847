"""Candidates: the training images, in all positions, that some description finds close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synthmed.measures.copies.prepare import Float32

Index = NDArray[np.int64]
BLOCK = 20_000_000
"""Products that are held at a time (80 MB)."""
SIGNED = frozenset({"gradients"})
"""Descriptions that inverted grey values leave as they are; they turn the sign of all others."""


def candidates(
    queries: Mapping[str, Float32],
    known: Mapping[str, Float32],
    count: int,
    further: Sequence[Index] = (),
) -> Index:
    """Lists candidates for each query, by exact search in blocks.

    Each description ranks all known images; the first of all rankings come first, then the
    second, and so on, until there are enough different ones. What inverted grey values change
    only in sign is ranked by the size of the product: an image's negative is as close as the image.

    Args:
        queries: (N, D) unit vectors by description.
        known: (M, D) unit vectors by description.
        count: Candidates wanted.
        further: Rankings found elsewhere, (N, k) rows of ``known`` each.

    Returns:
        (N, min(count, M)) different rows of ``known``.
    """
    size = len(next(iter(known.values())))
    count = min(count, size)
    rankings = [closest(queries[name], known[name], count, name in SIGNED) for name in known]
    rankings += [_widened(ranking, count) for ranking in further]
    turns = np.stack(rankings, axis=2).reshape(len(rankings[0]), -1)
    rows = [list(dict.fromkeys(turn))[:count] for turn in turns.tolist()]
    return np.asarray(rows, dtype=np.int64)


def closest(queries: Float32, known: Float32, count: int, signed: bool = True) -> Index:
    """The rows of ``known`` with the largest products, largest first.

    Args:
        queries: (N, D).
        known: (M, D), M at least ``count``.
        count: Rows wanted.
        signed: Whether a negative product is a small one; else its size counts.

    Returns:
        (N, count) rows of ``known``; memory stays below ``BLOCK`` products.
    """
    found = np.empty((len(queries), count), dtype=np.int64)
    step = max(1, BLOCK // len(known))
    for start in range(0, len(queries), step):
        products = queries[start : start + step] @ known.T
        if not signed:
            np.abs(products, out=products)
        part = np.argpartition(products, len(known) - count, axis=1)[:, len(known) - count :]
        order = np.argsort(-np.take_along_axis(products, part, axis=1), axis=1, kind="stable")
        found[start : start + step] = np.take_along_axis(part, order, axis=1)
    return found


def _widened(ranking: Index, count: int) -> Index:
    """A ranking cut to ``count`` columns, or its last column repeated; repeats are dropped."""
    columns = np.minimum(np.arange(count), ranking.shape[1] - 1)
    return np.asarray(ranking[:, columns])
