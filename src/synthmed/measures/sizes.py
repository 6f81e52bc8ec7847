"""Two sets cut to one size: Fréchet distances and neighbour metrics depend on N."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.blocks import Index


def equal_n(
    n_real: int,
    n_synthetic: int,
    real_groups: Sequence[object] | NDArray[Any] | None = None,
    synthetic_groups: Sequence[object] | NDArray[Any] | None = None,
    seed: int = 0,
) -> tuple[Index, Index]:
    """Cuts the larger of two sets to the size of the smaller one.

    Whole groups are drawn in random order as long as they fit; what is then still missing comes
    from the first group that did not fit, so at most one group is split.

    Args:
        n_real: Number of real images.
        n_synthetic: Number of synthetic images.
        real_groups: Group (patient) of each real image; None: each its own.
        synthetic_groups: Group of each synthetic image; None: each its own.
        seed: Seeds the draw.

    Returns:
        The rows kept on each side, rising, equal in number.

    Raises:
        SynthmedError: An empty side, or groups that do not fit the number of images.
    """
    n = min(n_real, n_synthetic)
    if n == 0:
        raise SynthmedError(f"{n_real} real and {n_synthetic} synthetic images: one set is empty")
    return _cut(n_real, real_groups, n, seed), _cut(n_synthetic, synthetic_groups, n, seed)


def _cut(size: int, groups: Any, n: int, seed: int) -> Index:
    names = np.arange(size) if groups is None else np.asarray(groups)
    if len(names) != size:
        raise SynthmedError(f"{len(names)} groups for {size} images")
    _, codes = np.unique(names.astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    rank = rng.permutation(codes.max() + 1)  # of each group
    counts = np.bincount(rank[codes])
    kept = np.zeros(len(counts), dtype=bool)
    room, first_too_large = n, -1
    for group, count in enumerate(counts):
        if count <= room:
            kept[group] = True
            room -= int(count)
        elif first_too_large < 0:
            first_too_large = group
    rows = np.flatnonzero(kept[rank[codes]])
    if room:
        rest = np.flatnonzero(rank[codes] == first_too_large)
        rows = np.concatenate([rows, rng.choice(rest, room, replace=False)])
    return np.sort(rows)
