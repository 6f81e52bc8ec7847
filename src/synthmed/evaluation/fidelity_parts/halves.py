"""Two halves of the real set, no patient in both: what any distance is between equals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.measures.sizes import equal_n

Index = npt.NDArray[np.int64]


def cut(groups: npt.NDArray[Any], most: int, seed: int) -> Index:
    """Take at most so many rows: whole groups in a random order, one of them in part.

    Args:
        groups: (N,) group of each row.
        most: How many rows to take.
        seed: Seeds the order.

    Returns:
        Row numbers, rising; all of them if there are no more.
    """
    if len(groups) <= most or most == 0:
        return np.arange(min(len(groups), most))
    return equal_n(len(groups), most, groups, None, seed)[0]


def halves(
    groups: npt.NDArray[Any], kinds: npt.NDArray[Any], most: int, seed: int
) -> tuple[Index, Index]:
    """Split rows into two halves of one size by whole groups, every type evenly.

    Large groups are dealt first, each to the half that has fewer images of the group's first
    type, then fewer images at all; the larger half is then cut to the size of the smaller one.

    Args:
        groups: (N,) group (patient) of each row.
        kinds: (N,) type of each row.
        most: Rows of a half at most.
        seed: Seeds the order of groups of one size.

    Returns:
        Two arrays of row numbers of equal length, no group in both; empty if there is one group.
    """
    names, first, codes = np.unique(
        np.asarray(groups).astype(str), return_index=True, return_inverse=True
    )
    sizes = np.bincount(codes)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load: dict[str, list[int]] = {}
    total, half = [0, 0], np.zeros(len(names), dtype=np.int64)
    for group in order:
        own = load.setdefault(str(kinds[first[group]]), [0, 0])
        half[group] = min((0, 1), key=lambda side: (own[side], total[side]))
        own[half[group]] += int(sizes[group])
        total[half[group]] += int(sizes[group])
    parts = [np.flatnonzero(half[codes] == side) for side in (0, 1)]
    size = min(most, *(len(part) for part in parts))
    a, b = (part[cut(np.asarray(groups)[part], size, seed)] for part in parts)
    return a, b
