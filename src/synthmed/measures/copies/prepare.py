"""What of an image is compared: grey values at 64 pixels, and their local contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import as_unit_images, box_resize

Float32 = NDArray[np.float32]
LARGEST, SMALLEST = 64, 16
"""Sides in pixels: larger images are shrunk, smaller ones are refused."""
EVEN = 1.0 / 255.0
"""Half a grey level of 8 bits: an image whose range is smaller has a single grey value."""
FINE, COARSE, AROUND = 0.6, 2.2, 4.0
"""Standard deviations in pixels of 64: detail is what lies between the first two."""
NOISE = 0.03
"""Detail weaker than this is not raised to the strength of the rest."""
CHUNK = 256


@dataclass(frozen=True)
class Prepared:
    """Images ready to be compared.

    Attributes:
        grey: (N, s, s) mean of the channels in [-1, 1], s at most 64 and a multiple of 8.
        local: (N, s, s) local contrast: mean about 0, standard deviation about 1 everywhere.
        shape: (C, S, S) of the images as they were given.
    """

    grey: Float32
    local: Float32
    shape: tuple[int, ...]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.grey)

    def take(self, rows: Any) -> Prepared:
        """Some of the images."""
        return Prepared(self.grey[rows], self.local[rows], self.shape)


def shows(images: Any, name: str) -> NDArray[np.bool_]:
    """Finds the images that `prepare` takes: those that are not even once they are shrunk.

    Fine patterns, such as a chequerboard of single pixels, leave nothing at 64 pixels.

    Args:
        images: As for `prepare`.
        name: What an error calls them.

    Returns:
        (N,) whether the grey values at 64 pixels differ by more than half a level of 8 bits.

    Raises:
        SynthmedError: As `prepare`, but not of even images.
    """
    return _differ(_shrunk(images, name))


def prepare(images: Any, name: str) -> Prepared:
    """Checks and prepares images, piece by piece.

    Args:
        images: (N, 1 or 3, S, S) floats in [-1, 1], S at least 16.
        name: What an error calls them.

    Returns:
        Their grey values and local contrast in float32.

    Raises:
        SynthmedError: Integers, another shape, values outside [-1, 1], images that are not
            square or too small, or even ones (`shows` finds them).
    """
    grey = _shrunk(images, name)
    even = np.flatnonzero(~_differ(grey))
    if len(even):
        raise SynthmedError(
            f"{len(even)} {name} images are even, the first in row {even[0]}",
            mend="Leave blank images out first",
        )
    return Prepared(grey, local_contrast(grey), np.shape(images)[1:])


def _differ(grey: Float32) -> NDArray[np.bool_]:
    return np.asarray(np.ptp(grey, axis=(1, 2)) >= EVEN)


def _shrunk(images: Any, name: str) -> Float32:
    """(N, s, s) mean of the channels at 64 pixels or fewer, of images that are checked."""
    pieces = []
    array = np.asarray(images)
    for start in range(0, max(1, len(array) if array.ndim else 1), CHUNK):
        checked = as_unit_images(array[start : start + CHUNK] if array.ndim else array)
        size = checked.shape[2]
        if checked.shape[3] != size or size < SMALLEST:
            raise SynthmedError(
                f"{name} images of {size} × {checked.shape[3]} pixels",
                mend=f"Copies are looked for in square images of at least {SMALLEST} pixels",
            )
        side = min(size, LARGEST) // 8 * 8
        small = checked if side == size else box_resize(checked, side)
        pieces.append(small.mean(axis=1).astype(np.float32))
    return np.concatenate(pieces)


def local_contrast(grey: Float32) -> Float32:
    """Detail of an image, over its strength in the neighbourhood.

    A difference of Gaussians, divided by its own local standard deviation: a change of
    brightness, contrast or gamma leaves it nearly as it is, and a border or a letter counts no
    more than faint tissue. It commutes with turning and mirroring.

    Args:
        grey: (N, s, s) in [-1, 1].

    Returns:
        (N, s, s) float32.
    """
    scale = grey.shape[-1] / LARGEST
    local = np.empty_like(grey)
    for start in range(0, len(grey), CHUNK):
        part = grey[start : start + CHUNK]
        detail = _blur(part, FINE * scale) - _blur(part, COARSE * scale)
        strength = np.sqrt(_blur(detail**2, AROUND * scale))
        local[start : start + CHUNK] = detail / (strength + NOISE)
    return local


def _blur(images: Float32, sigma: float) -> Float32:
    return np.asarray(gaussian_filter(images, (0.0, sigma, sigma), mode="nearest"))
