"""Two sets of images cut alike: as many patients, and as many images of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
Groups = Sequence[Any] | npt.NDArray[Any]


def equal_sizes(first: Groups, second: Groups, seed: int) -> tuple[Index, Index]:
    """Cut two sets to equal numbers of patients and of images.

    How near the nearest image lies depends on the number of images, and on how many patients they
    are of. As many patients as the smaller set has are drawn from both; the one with most images
    on the one side is matched with that on the other, and so on, and of both as many images are
    drawn as the poorer one has.

    Args:
        first: Group of each image of the one set.
        second: Group of each image of the other.
        seed: Seeds the choice.

    Returns:
        Kept rows of both, in order, equal in number; empty where a set is.
    """
    rngs = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    members = [_members(np.asarray(names)) for names in (first, second)]
    most = min(len(own) for own in members)
    drawn = [
        sorted((own[i] for i in rng.permutation(len(own))[:most]), key=len, reverse=True)
        for own, rng in zip(members, rngs, strict=True)
    ]
    kept: tuple[list[Index], list[Index]] = ([], [])
    for pair in zip(*drawn, strict=True):
        fewest = min(len(rows) for rows in pair)
        for side, rows, rng in zip(kept, pair, rngs, strict=True):
            side.append(rng.permutation(rows)[:fewest])
    return _joined(kept[0]), _joined(kept[1])


def _members(groups: npt.NDArray[Any]) -> list[Index]:
    """Rows of each group."""
    if len(groups) == 0:
        return []
    _, codes = np.unique(groups, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _joined(parts: list[Index]) -> Index:
    return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
