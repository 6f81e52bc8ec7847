"""Overlap of lesions or organs before and after an edit: Dice coefficient and IoU.

Both masks empty counts as 1 (rightly nothing), one empty as 0 (a lesion lost or invented). The
counts of both stand beside every mean, because a set of mostly empty masks has a high mean
whatever happens to its few lesions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.edits.estimates import Estimate, mean_over_patients

Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Overlap:
    """Overlap of two sets of masks.

    Attributes:
        dice: Mean Dice coefficient over all images.
        iou: Mean intersection over union over all images.
        dice_where_any: Mean Dice coefficient over images in which at least one mask is not
            empty; None without such an image, or if all of them are of one patient.
        both_empty: Number of images with two empty masks (each counted as 1).
        lost: Number of images whose second mask alone is empty (each counted as 0).
        invented: Number of images whose first mask alone is empty (each counted as 0).
    """

    dice: Estimate
    iou: Estimate
    dice_where_any: Estimate | None
    both_empty: int
    lost: int
    invented: int


def as_masks(masks: Any) -> Masks:
    """Checks masks and returns them as booleans.

    Args:
        masks: (N, H, W) booleans, or integers of which anything but 0 belongs to the structure.

    Returns:
        (N, H, W) booleans.

    Raises:
        SynthmedError: Floats (a probability needs a threshold first), or another shape.
    """
    array = np.asarray(masks)
    if array.dtype != np.bool_ and not np.issubdtype(array.dtype, np.integer):
        raise SynthmedError(
            f"masks are {array.dtype}, not booleans or integers",
            mend="Compare probabilities with a threshold first",
        )
    if array.ndim != 3 or array.size == 0:
        raise SynthmedError(f"masks must have shape (N, H, W), not {array.shape}")
    return np.asarray(array != 0)


def dice(a: Any, b: Any) -> Array:
    """Dice coefficient of each pair of masks: ``2 |a ∩ b| / (|a| + |b|)`` (Dice 1945).

    Args:
        a: (N, H, W) booleans or integers.
        b: (N, H, W) booleans or integers.

    Returns:
        (N,) in [0, 1]; 1 where both are empty, 0 where one is.

    Raises:
        SynthmedError: Floats, or shapes that differ.
    """
    both, one, other = _areas(a, b)
    return _share(2 * both, one + other)


def iou(a: Any, b: Any) -> Array:
    """Intersection over union of each pair of masks (Jaccard 1901).

    Args:
        a: (N, H, W) booleans or integers.
        b: (N, H, W) booleans or integers.

    Returns:
        (N,) in [0, 1]; 1 where both are empty, 0 where one is.

    Raises:
        SynthmedError: Floats, or shapes that differ.
    """
    both, one, other = _areas(a, b)
    return _share(both, one + other - both)


def overlap(
    before: Any, after: Any, groups: Sequence[object], *, bootstraps: int = 1000, seed: int = 0
) -> Overlap:
    """Mean overlap of structures before and after an edit.

    Args:
        before: (N, H, W) masks of the sources.
        after: (N, H, W) masks of the edits.
        groups: Patient of each image.
        bootstraps: Draws of the bootstrap.
        seed: Seeds the draws.

    Returns:
        Dice and IoU with intervals over patients, and the counts of empty masks.

    Raises:
        SynthmedError: Masks that do not fit, or a single patient.
    """
    _, one, other = _areas(before, after)
    scores, names = dice(before, after), np.asarray(groups).astype(str)
    some = (one > 0) | (other > 0)
    settings: dict[str, Any] = {"bootstraps": bootstraps, "seed": seed}
    enough = len(names) == len(some) and len(np.unique(names[some])) > 1
    return Overlap(
        dice=mean_over_patients(scores, names, **settings),
        iou=mean_over_patients(iou(before, after), names, **settings),
        dice_where_any=(
            mean_over_patients(np.where(some, scores, np.nan), names, **settings)
            if enough
            else None
        ),
        both_empty=int((~some).sum()),
        lost=int(((one > 0) & (other == 0)).sum()),
        invented=int(((one == 0) & (other > 0)).sum()),
    )


def _areas(a: Any, b: Any) -> tuple[Array, Array, Array]:
    """(N,) pixels in both masks, in the first and in the second."""
    one, other = as_masks(a), as_masks(b)
    if one.shape != other.shape:
        raise SynthmedError(f"masks of shapes {one.shape} and {other.shape} cannot be compared")
    both, first, second = ((x).sum(axis=(1, 2)) for x in (one & other, one, other))
    return both.astype(np.float64), first.astype(np.float64), second.astype(np.float64)


def _share(above: Array, below: Array) -> Array:
    """Quotients; 1 where both are 0."""
    return np.asarray(np.where(below > 0, above / np.where(below > 0, below, 1.0), 1.0))
