"""Checks at the door of every measure: what an array of images or of features is.

Unsigned integers wrap round when they are subtracted (``3 - 5 = 254`` in uint8), so nothing
in this floor computes with integers: images must be floats, features become float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError

Array = NDArray[np.float64]


def as_images(images: Any, name: str = "images") -> Array:
    """Checks a batch of images and returns it in float64.

    Args:
        images: Floats of shape (N, C, H, W), C being 1 or 3.
        name: What the error message calls them.

    Returns:
        (N, C, H, W) float64, the same values.

    Raises:
        SynthmedError: Integers (their range is unknown and they wrap round), another shape,
            no image at all, or values that are not finite.
    """
    array = np.asarray(images)
    if not np.issubdtype(array.dtype, np.floating):
        raise SynthmedError(
            f"{name} are {array.dtype}, not floats",
            mend="Convert 8-bit images by x / 127.5 - 1 first",
        )
    if array.ndim != 4 or array.shape[1] not in (1, 3) or array.size == 0:
        raise SynthmedError(f"{name} must have shape (N, 1 or 3, H, W), not {array.shape}")
    return _finite(array.astype(np.float64), name)


def as_unit_images(images: Any) -> Array:
    """Checks a batch of images in [-1, 1] and returns it in float64.

    Args:
        images: Floats of shape (N, C, H, W), C being 1 or 3, in [-1, 1].

    Returns:
        (N, C, H, W) float64, the same values.

    Raises:
        SynthmedError: As for ``as_images``, or values outside [-1, 1], such as 0 to 255.
    """
    checked = as_images(images)
    if np.abs(checked).max() > 1.001:
        raise SynthmedError(
            f"images run from {checked.min():.3g} to {checked.max():.3g}, not from -1 to 1",
            mend="Map stored values to [-1, 1] and clip",
        )
    return checked


def as_features(features: Any, name: str = "features", rows: int = 1) -> Array:
    """Checks a table of features and returns it in float64.

    Args:
        features: Numbers of shape (N, D).
        name: What the error message calls them.
        rows: The smallest N that will do.

    Returns:
        (N, D) float64.

    Raises:
        SynthmedError: Another shape, fewer rows, or values that are not finite.
    """
    array = np.asarray(features)
    if array.ndim != 2 or array.shape[1] == 0:
        raise SynthmedError(f"{name} must have shape (N, D), not {array.shape}")
    if len(array) < rows:
        raise SynthmedError(f"{name} have {len(array)} rows; at least {rows} are needed")
    return _finite(array.astype(np.float64), name)


def same_width(a: Array, b: Array) -> None:
    """Raises SynthmedError unless two tables of features have the same number of columns."""
    if a.shape[1] != b.shape[1]:
        raise SynthmedError(
            f"features of {a.shape[1]} and {b.shape[1]} dimensions cannot be compared",
            mend="Use one extractor for both sides",
        )


def box_resize(images: Array, size: int) -> Array:
    """Resizes by area: each new pixel is the mean of the box that it covers.

    Args:
        images: (N, C, H, W) float64.
        size: New height and width. Sides that do not divide evenly are weighted by overlap;
            a frame that is not square is squeezed.

    Returns:
        (N, C, size, size) float64; the mean of each image is unchanged.
    """
    rows, columns = _box_weights(images.shape[2], size), _box_weights(images.shape[3], size)
    return np.asarray(rows @ images @ columns.T)


def _box_weights(source: int, target: int) -> Array:
    """(target, source) overlap of each new pixel with each old one; rows sum to 1."""
    edges = np.linspace(0.0, source, target + 1)
    left, right = np.arange(source)[None], np.arange(1, source + 1)[None]
    overlap = np.minimum(edges[1:, None], right) - np.maximum(edges[:-1, None], left)
    return np.asarray(np.clip(overlap, 0.0, None) * (target / source))


def _finite(array: Array, name: str) -> Array:
    if not np.isfinite(array).all():
        raise SynthmedError(f"{name} hold values that are not finite")
    return array
