"""What a calibration measures: structure, realism, and realism beside that of real halves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.measures.edits.estimates import mean_over_patients
from synthmed.measures.features import Extractor
from synthmed.measures.metrics import measure
from synthmed.measures.structure import ssim
from synthmed.synthesis.calibration_halves import edited_distances, target_distances
from synthmed.synthesis.calibration_structure import Boxes, inside_frames

_CHUNK = 64

Point = dict[str, float]
"""`value`, `low`, `high`."""


def structure_point(
    sources: Any, edited: Any, boxes: Boxes, units: Sequence[str], seed: int
) -> Point:
    """Mean SSIM of translations to their sources, with its bootstrap interval over patients.

    Args:
        sources: (N, C, S, S) in [-1, 1].
        edited: (N, C, S, S) in [-1, 1].
        boxes: (N, 4) where each image lies in its square; the padding does not count.
        units: (N,) patient of each image.
        seed: Seeds the bootstrap.

    Raises:
        SynthmedError: No image of 11 pixels or more on either side, or a single patient.
    """
    values = inside_frames(ssim, sources, edited, boxes)
    found = mean_over_patients(values, units, seed=seed)
    return _point(found.value, found.low, found.high)


def realism_point(
    target: Any,
    edited: Any,
    units_target: Sequence[str],
    units: Sequence[str],
    extractor: Extractor,
) -> Point:
    """KID of images to the target's real images, whole sets, with its grouped jackknife interval.

    For the plot. It must not be compared with the real-real interval, which is of halves: see
    `edited_distances`.

    Args:
        target: (M, D) features of the target's real images.
        edited: (N, D) features of the translations.
        units_target: (M,) patient of each real image.
        units: (N,) patient of each translation's source.
        extractor: What made the features.

    Raises:
        SynthmedError: Fewer than four patients on a side.
    """
    found = measure(
        "kid",
        target,
        edited,
        extractor=extractor.id,
        preprocessing=extractor.preprocessing,
        real_groups=list(units_target),
        synthetic_groups=list(units),
    )
    return _point(found.value, found.low, found.high)


def real_real(target: Any, units: Sequence[str], units_target: Sequence[str], seed: int) -> Point:
    """KID between two halves of the target's real images: what no difference looks like.

    Args:
        target: (M, D) features of the target's real images.
        units: (N,) patient of each image of the source; patients of both domains stay together.
        units_target: (M,) patient of each real image of the target; at least four.
        seed: Seeds the halvings.

    Returns:
        The mean over 200 halvings, and their 2.5th and 97.5th percentiles.
    """
    return _spread(target_distances(target, units, units_target, seed))


def matched_point(
    edited: Any, target: Any, units: Sequence[str], units_target: Sequence[str], seed: int
) -> Point:
    """KID of translations to the target, measured on the same halvings as `real_real`.

    Its value is what the dial compares with the real-real interval's upper end.

    Args:
        edited: (N, D) features of the translations.
        target: (M, D) features of the target's real images.
        units: (N,) patient of each translation's source.
        units_target: (M,) patient of each real image of the target.
        seed: Seeds the halvings.

    Returns:
        The mean over 200 halvings, and their 2.5th and 97.5th percentiles.
    """
    return _spread(edited_distances(edited, target, units, units_target, seed))


def features_of(extractor: Extractor, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Give the features (N, D) of images (N, C, S, S), a few images at a time."""
    starts = range(0, len(images), _CHUNK)
    return np.concatenate([extractor(images[start : start + _CHUNK]) for start in starts])


def _spread(values: npt.NDArray[np.float64]) -> Point:
    low, high = np.quantile(values, [0.025, 0.975])
    return _point(float(values.mean()), float(low), float(high))


def _point(value: float, low: float, high: float) -> Point:
    names = ("value", "low", "high")
    return {n: float(v) for n, v in zip(names, (value, low, high), strict=True)}
