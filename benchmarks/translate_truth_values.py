"""Scores of single images whose true answer is known, and their means over groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.estimates import Estimate, estimate
from benchmarks.translate_segmenter import Masks, Segmenter
from benchmarks.translate_truth_pairs import Pairs
from synthmed.errors import SynthmedError
from synthmed.measures.edits.estimates import mean_over_patients
from synthmed.measures.edits.overlap import dice
from synthmed.measures.structure import psnr, ssim

Values = NDArray[np.float64]
MOST_PSNR = 100.0
"""Decibels that count for equal images, which have no error."""
KEPT = 0.5
"""Share of a lesion's pixels that a segmenter must find for the lesion to count as kept."""
INVENTED = 8
"""Pixels in a slice without a lesion from which on one counts as invented."""


def values_of(
    output: NDArray[np.float32], pairs: Pairs, judges: Sequence[Segmenter] = ()
) -> dict[str, Values]:
    """The scores of each image; those of lesions are means over the segmenters.

    Args:
        output: (N, 1, S, S) in [-1, 1].
        pairs: What is true.
        judges: Lesion segmenters.
    """
    values = {
        "psnr": np.minimum(psnr(output, pairs.target), MOST_PSNR),
        "ssim": ssim(output, pairs.target),
    }
    if pairs.masks is not None and judges:
        each = [lesion_values(judge(output), pairs.masks) for judge in judges]
        values |= {key: np.mean([one[key] for one in each], axis=0) for key in each[0]}
    return values


def lesion_values(found: Masks, truth: Masks) -> dict[str, Values]:
    """What one segmenter finds of lesions: (N,) each, not-a-number where undefined.

    Args:
        found: (N, S, S) its masks.
        truth: (N, S, S) the true masks.

    Returns:
        `dice` and `kept` (0 or 1) of slices with a lesion, `invented` (0 or 1) of the others.
    """
    pixels = truth.sum(axis=(1, 2))
    there = pixels > 0
    hit = (found & truth).sum(axis=(1, 2)) >= KEPT * np.maximum(pixels, 1)
    invented = found.sum(axis=(1, 2)) >= INVENTED
    return {
        "dice": np.where(there, dice(truth, found), np.nan),
        "kept": np.where(there, hit, np.nan),
        "invented": np.where(there, np.nan, invented),
    }


def mean(values: Values, groups: Sequence[str]) -> Estimate | None:
    """Mean over images with its interval over groups; None without two groups that have a value."""
    known = ~np.isnan(values)
    if len({group for group, one in zip(groups, known, strict=True) if one}) < 2:
        return None
    found = mean_over_patients(values, groups)
    return estimate(found.value, found.low, found.high, found.n, patients=found.patients)


def another(groups: Sequence[str]) -> NDArray[np.int64]:
    """For each image the number of an image of another group: the next one in the order.

    Raises:
        SynthmedError: All images are of one group.
    """
    if len(set(groups)) < 2:
        raise SynthmedError("one patient has no other")
    n, found = len(groups), []
    for i in range(n):
        others = (j % n for j in range(i + 1, i + n))
        found.append(next(j for j in others if groups[j] != groups[i]))
    return np.asarray(found, np.int64)
