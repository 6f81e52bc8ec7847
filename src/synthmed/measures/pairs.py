"""Pairs of images to compare, drawn so that each image is in about as many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.measures.blocks import Index

PAIRS = 1000


def draw_pairs(
    labels: Any, groups: Any = None, most: int = PAIRS, seed: int = 0
) -> NDArray[np.int64]:
    """Pairs of images of one label and two groups, each image about equally often.

    A label's images are put on a circle in random order; each is paired with its next, its
    second next, and so on, up to an equal share of ``most`` for each label. So the pairs are
    distinct, and a small label gets every pair that it has.

    Args:
        labels: (N,) label of each image.
        groups: (N,) group of each image; None: each its own.
        most: About the largest number of pairs.
        seed: Seeds the order.

    Returns:
        (P, 2) rows.
    """
    rng = np.random.default_rng(seed)
    _, codes = np.unique(np.asarray(labels).astype(str), return_inverse=True)
    names = np.arange(len(codes)) if groups is None else np.asarray(groups)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    members = [rows for rows in members if len(rows) > 1]
    drawn = rng.permutation(len(members))[:most]
    share = -(-most // max(1, len(drawn)))
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for i in np.sort(drawn):
        pairs.append(_on_a_circle(rng.permutation(members[i]), names, share))
    return np.concatenate(pairs)


def _on_a_circle(rows: Index, names: Any, share: int) -> Index:
    """Up to ``share`` pairs of different names, neighbours on the circle first."""
    n, found, count = len(rows), [np.empty((0, 2), dtype=np.int64)], 0
    for step in range(1, n // 2 + 1):
        pairs = np.stack([rows, np.roll(rows, -step)], axis=1)
        pairs = pairs[: n // 2] if 2 * step == n else pairs
        pairs = pairs[names[pairs[:, 0]] != names[pairs[:, 1]]]
        found.append(pairs[: share - count])
        count += len(found[-1])
        if count == share:
            break
    return np.concatenate(found)
