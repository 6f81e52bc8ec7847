"""The extractor of classic image statistics: no weights, no training data."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_unit_images
from synthmed.measures.structure import radial_power


class Statistics:
    """Histogram, spectrum and texture of an image, without any network: 49 features.

    16 shares of the grey histogram; mean and standard deviation of each colour channel; the
    logarithm of the power in 8 bands of radial frequency, for the grey image; mean, standard
    deviation and 90th percentile of the gradient's length; and 16 shares of the local binary
    patterns (Ojala et al. 2002; 4 neighbours). Each feature is of order 1. Spectrum and texture
    depend on the image's size in pixels: compare equal sizes only.
    """

    id = "statistics/1"
    preprocessing = "native size"

    def __call__(self, images: Any) -> Array:
        """Features of a batch.

        Args:
            images: (N, 1 or 3, H, W) floats in [-1, 1], H and W at least 16.

        Returns:
            (N, 49) float64.

        Raises:
            SynthmedError: Integers, another shape, values outside [-1, 1], or under 16 pixels.
        """
        checked = as_unit_images(images)
        if min(checked.shape[2:]) < 16:
            raise SynthmedError(f"'statistics' needs at least 16 pixels, not {checked.shape[2:]}")
        return np.stack([_statistics(image) for image in checked])


def _statistics(image: Array) -> Array:
    """49 features of one (C, H, W) image."""
    grey = image.mean(axis=0)
    histogram = np.histogram(grey, bins=16, range=(-1.0, 1.0))[0] / grey.size
    colours = np.broadcast_to(image, (3, *grey.shape)).reshape(3, -1)
    frequency, power = radial_power(grey[None, None])
    band = np.minimum((frequency / 0.5 * 8).astype(int), 7)
    count = np.maximum(np.bincount(band, minlength=8), 1)  # below 18 pixels a band may be empty
    bands = np.bincount(band, weights=power, minlength=8) / count
    spectrum = np.log10(bands + 1e-6) / 3.0
    length = np.hypot(*np.gradient(grey))
    gradient = [length.mean(), length.std(), np.quantile(length, 0.9)]
    inner = grey[1:-1, 1:-1]
    around = (grey[:-2, 1:-1], grey[1:-1, 2:], grey[2:, 1:-1], grey[1:-1, :-2])
    code = sum((side > inner).astype(int) << bit for bit, side in enumerate(around))
    patterns = np.bincount(np.ravel(code), minlength=16) / inner.size
    parts = (histogram, colours.mean(axis=1), colours.std(axis=1), spectrum, gradient, patterns)
    return np.concatenate(parts)
