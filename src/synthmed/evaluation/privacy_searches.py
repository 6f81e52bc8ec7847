"""Which images are searched for copies of which: type by type, as far as there are enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Context
from synthmed.evaluation.sides import Side

Index = npt.NDArray[np.int64]
LEAST_GROUPS = 4
"""Patients on either side that a search of its own needs."""
EVEN = 1.0 / 255.0
"""Images whose grey values have a lower standard deviation show nothing."""
ALL = "all types"


@dataclass(frozen=True)
class Search:
    """One search: the rows of each side that are compared.

    Attributes:
        kind: Image type; "all types" where images of several are searched together.
        synthetic: Rows of the synthetic side.
        train: Rows of the training images.
        holdout: Rows of the hold-out images.
    """

    kind: str
    synthetic: Index
    train: Index
    holdout: Index


def searches(context: Context, warn: Callable[[str], None]) -> list[Search]:
    """Deal the images into searches.

    Synthetic images of a type with training and hold-out images of at least four patients each
    have a search of their own. The others are searched together among all real images.

    Args:
        context: With `train` and `holdout`.
        warn: Told what a reader must know.

    Returns:
        The searches; [] where no real images suffice.
    """
    train, holdout = context.train, context.holdout
    assert train is not None
    assert holdout is not None
    made = np.flatnonzero(_shows(context.synthetic, warn))
    seen, other = np.flatnonzero(_shows(train, warn)), np.flatnonzero(_shows(holdout, warn))
    kinds = (context.synthetic.kinds[made], train.kinds[seen], holdout.kinds[other])
    found: list[Search] = []
    left = np.ones(len(made), np.bool_)
    for kind in sorted(set(kinds[0].tolist())):
        parts = [rows[k == kind] for rows, k in zip((made, seen, other), kinds, strict=True)]
        if _enough(train, parts[1]) and _enough(holdout, parts[2]):
            found.append(Search(kind or "untyped", *parts))
            left &= kinds[0] != kind
    if not left.any():
        return found
    if not (_enough(train, seen) and _enough(holdout, other)):
        if found:
            _say_unsearched(kinds[0][left], warn)
        return found
    names = ", ".join(sorted({str(kind) or "untyped" for kind in kinds[0][left]}))
    if found or len(set(kinds[1].tolist())) > 1:
        warn(
            f"{int(left.sum())} synthetic images ({names}) have too few training or hold-out "
            "images of their type: they are searched among those of all types"
        )
    return [*found, Search(ALL, made[left], seen, other)]


def equal_sizes(
    first: Sequence[Any] | npt.NDArray[Any], second: Sequence[Any] | npt.NDArray[Any], seed: int
) -> tuple[Index, Index]:
    """Cut the larger of two sets to the size of the smaller by whole groups.

    Args:
        first: Group of each image of the one set.
        second: Group of each image of the other.
        seed: Seeds the choice.

    Returns:
        Kept rows of both, in order; of equal number up to less than a group.
    """
    size = min(len(first), len(second))
    return _cut(np.asarray(first), size, seed), _cut(np.asarray(second), size, seed)


def _cut(groups: npt.NDArray[Any], most: int, seed: int) -> Index:
    """Whole groups in a random order, as long as they fit."""
    if len(groups) <= most:
        return np.arange(len(groups))
    names, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    chosen = np.zeros(len(names), np.bool_)
    total = 0
    for group in np.random.default_rng(seed).permutation(len(names)):
        if total + sizes[group] <= most:
            chosen[group] = True
            total += int(sizes[group])
    if not chosen.any():  # every group is larger: a part of the smallest one
        return np.flatnonzero(codes == sizes.argmin())[:most]
    return np.flatnonzero(chosen[codes])


def _enough(side: Side, rows: Index) -> bool:
    return len(set(side.groups[rows].tolist())) >= LEAST_GROUPS


def _shows(side: Side, warn: Callable[[str], None]) -> npt.NDArray[np.bool_]:
    """(N,) which images are not even."""
    parts = [batch.mean(axis=1).std(axis=(1, 2)) >= EVEN for batch in side.batches()]
    shows = np.concatenate(parts) if parts else np.zeros(0, np.bool_)
    if not shows.all():
        warn(f"{int((~shows).sum())} even {side.name} images are left out of the search for copies")
    return shows


def _say_unsearched(kinds: npt.NDArray[np.str_], warn: Callable[[str], None]) -> None:
    names = ", ".join(sorted({str(kind) or "untyped" for kind in kinds}))
    warn(f"{len(kinds)} synthetic images ({names}) were not searched: too few real images")
