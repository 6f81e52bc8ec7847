"""The realism-structure curve of a method, its area, and which curve lies above which.

Structure is the mean SSIM to the source, realism the share of the distance to the target that is
gone, `1 - KID(method) / KID(untouched source)`, kept within [0, 1]: 0 for the untouched source, 1
for images that KID cannot tell from the target's.

*Area.* What the settings of a method dominate beside the reference point (structure 0, realism 0):
the area of the union of the rectangles from (0, 0) to each setting (the hypervolume indicator of
Zitzler & Thiele 1999). Nothing is interpolated; a method with one setting has one rectangle, so a
dial is worth something. The untouched source has area 0, an ideal method 1.

*Curve.* A dial can be turned to any place between its settings: the curve joins the settings and
the untouched source (1, 0) by straight lines in the order of structure, and its height at a level
is the highest realism at that structure or more. A method with one setting gets the same line to
(1, 0), which a blend with the source only roughly reaches: this favours it, never ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
LEVELS = tuple(i / 10 for i in range(1, 10))
"""Levels of structure at which curves are compared."""
MARGIN = 0.05
"""Realism by which a curve may lie below another one and still be called no worse."""


def realism(kid: Array, untouched: Array) -> Array:
    """Share of the distance that is gone, in [0, 1].

    Args:
        kid: KID of a setting to the target, without each set of blocks: (L,).
        untouched: KID of the untouched source: (L,).
    """
    return np.asarray(np.clip(1.0 - kid / np.maximum(untouched, 1e-12), 0.0, 1.0))


def areas(structure: Array, real: Array) -> Array:
    """Area dominated by some settings beside (0, 0).

    Args:
        structure: Mean SSIM (K, L) of K settings, without each of L sets of blocks.
        real: Realism (K, L).

    Returns:
        (L,) in [0, 1].
    """
    order = np.argsort(structure, axis=0)
    x = np.clip(np.take_along_axis(structure, order, axis=0), 0.0, 1.0)
    y = np.take_along_axis(real, order, axis=0)
    highest = np.maximum.accumulate(y[::-1], axis=0)[::-1]  # of this structure or more
    widths = np.diff(x, axis=0, prepend=0.0)
    return np.asarray((widths * highest).sum(axis=0))


def heights(structure: Array, real: Array, levels: Sequence[float] = LEVELS) -> Array:
    """Height of a curve at some levels of structure.

    Args:
        structure: Mean SSIM (K, L) of the settings.
        real: Realism (K, L).
        levels: Levels of structure.

    Returns:
        (len(levels), L).
    """
    x = np.concatenate([np.clip(structure, 0.0, 1.0), np.ones((1, structure.shape[1]))])
    y = np.concatenate([real, np.zeros((1, structure.shape[1]))])
    found = np.empty((len(levels), structure.shape[1]))
    for column in range(structure.shape[1]):
        order = np.lexsort((-y[:, column], x[:, column]))
        xs, ys = x[order, column], y[order, column]
        for row, level in enumerate(levels):
            beyond = ys[xs >= level]
            here = [float(np.interp(level, xs, ys))] if level >= xs[0] else []
            found[row, column] = max([*beyond.tolist(), *here])
    return found


def verdict(differences: Sequence[dict[str, float]]) -> str:
    """What the differences of two curves at all levels say of the first.

    Args:
        differences: First minus second at each level, with intervals of 95 % each.

    Returns:
        "dominates": above at every level by the whole interval. "no worse": nowhere below the
        margin. "worse at k of n levels": below by the whole interval there. Else "open".
    """
    if all(entry["low"] > 0 for entry in differences):
        return "dominates"
    if below := sum(entry["high"] < 0 for entry in differences):
        return f"worse at {below} of {len(differences)} levels"
    if all(entry["low"] > -MARGIN for entry in differences):
        return f"no worse (margin {MARGIN:g})"
    return "open"
