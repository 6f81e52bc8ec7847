"""How much of a source image's structure an edit keeps.

The edit that changes nothing scores best here (SSIM 1, correlation 1, distance 0): read these
numbers only beside the flip rate of ``synthmed.measures.edits.flips``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import correlate1d

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features, as_images, same_width
from synthmed.measures.edits.estimates import Estimate, mean_over_patients
from synthmed.measures.structure import ssim

FLAT = 1e-9
"""Length of all gradients of an image below which it has none but rounding."""


def gradient_correlation(source: Any, edited: Any) -> Array:
    """Gradient correlation of each pair of images (Penney et al. 1998).

    The mean of two Pearson correlations over pixels: of the horizontal Sobel gradients and of
    the vertical ones, both of the mean over channels. It sees edges move and does not see
    brightness or contrast change.

    Args:
        source: (N, C, H, W) floats.
        edited: (N, C, H, W) floats.

    Returns:
        (N,) in [-1, 1]; not-a-number where one of the two images has no gradient in one of the
        directions.

    Raises:
        SynthmedError: Integers, or shapes that differ.
    """
    a, b = as_images(source, "source images"), as_images(edited, "edited images")
    if a.shape != b.shape:
        raise SynthmedError(f"images of shapes {a.shape} and {b.shape} cannot be compared")
    a, b = a.mean(axis=1), b.mean(axis=1)
    parts = [_correlation(_sobel(a, axis), _sobel(b, axis)) for axis in (1, 2)]
    return np.asarray(np.mean(parts, axis=0))


def feature_distance(source: Any, edited: Any) -> Array:
    """Euclidean distance between the features of each source and its edit.

    Args:
        source: (N, D) features.
        edited: (N, D) features.

    Returns:
        (N,) at least 0.

    Raises:
        SynthmedError: Shapes that differ.
    """
    a, b = as_features(source, "source"), as_features(edited, "edited")
    same_width(a, b)
    if len(a) != len(b):
        raise SynthmedError(f"{len(a)} sources for {len(b)} edits")
    return np.asarray(np.linalg.norm(a - b, axis=1))


def relative_feature_distance(source: Any, edited: Any, groups: Sequence[object]) -> Array:
    """Feature distance in units of the distance between two patients.

    Args:
        source: (N, D) features, of at least two patients.
        edited: (N, D) features.
        groups: Patient of each source.

    Returns:
        (N,) distances divided by the median distance between sources of different patients:
        0 is the same image, about 1 is somebody else's.

    Raises:
        SynthmedError: Shapes that differ, a single patient, or patients whose features are
            equal.
    """
    a, names = as_features(source, "source"), np.asarray(groups).astype(str)
    if len(names) != len(a):
        raise SynthmedError(f"{len(names)} groups for {len(a)} images")
    rows = np.random.default_rng(0).permutation(len(a))[:2000]
    a_some, names_some = a[rows], names[rows]
    squares = (a_some**2).sum(axis=1)
    between = np.sqrt(np.maximum(squares[:, None] + squares - 2 * a_some @ a_some.T, 0.0))
    other = names_some[:, None] != names_some
    unit = float(np.median(between[other])) if other.any() else 0.0
    if unit <= 0.0:
        raise SynthmedError(
            "no distance between patients to compare with",
            mend="Give sources of at least two patients whose features differ",
        )
    return feature_distance(a, edited) / unit


def structure_kept(
    source: Any,
    edited: Any,
    groups: Sequence[object],
    *,
    source_features: Any = None,
    edited_features: Any = None,
    bootstraps: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """SSIM, gradient correlation and feature distance between sources and their edits.

    Args:
        source: (N, C, H, W) floats in [-1, 1], H and W at least 11.
        edited: (N, C, H, W) floats in [-1, 1], in the same order.
        groups: Patient of each source.
        source_features: (N, D) features of the sources; without both no feature distance.
        edited_features: (N, D) features of the edits.
        bootstraps: Draws of the bootstrap.
        seed: Seeds the draws.

    Returns:
        ``ssim``, ``gradient_correlation`` and, with features, ``feature_distance`` (relative to
        the distance between patients), each with its interval over patients.

    Raises:
        SynthmedError: Arrays that do not fit, or a single patient.
    """
    values = {
        "ssim": ssim(source, edited),
        "gradient_correlation": gradient_correlation(source, edited),
    }
    if source_features is not None and edited_features is not None:
        values["feature_distance"] = relative_feature_distance(
            source_features, edited_features, groups
        )
    return {
        name: mean_over_patients(value, groups, bootstraps=bootstraps, seed=seed)
        for name, value in values.items()
    }


def _correlation(a: Array, b: Array) -> Array:
    """(N,) Pearson correlation over the pixels of each (N, H, W) pair; NaN without variance."""
    a, b = (x.reshape(len(x), -1) for x in (a, b))
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    lengths = [np.linalg.norm(x, axis=1) for x in (a, b)]
    defined = np.minimum(*lengths) > FLAT
    scale = np.where(defined, lengths[0] * lengths[1], 1.0)
    return np.asarray(np.where(defined, (a * b).sum(axis=1) / scale, np.nan))


def _sobel(images: Array, axis: int) -> Array:
    """Sobel gradient of each (N, H, W) image along an axis; images are not mixed."""
    slope = correlate1d(images, [-1.0, 0.0, 1.0], axis=axis)
    return np.asarray(correlate1d(slope, [1.0, 2.0, 1.0], axis=3 - axis))
