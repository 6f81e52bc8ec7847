"""Extractors of plain pixels: no weights, no training data."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthmed.measures.arrays import Array, as_unit_images, box_resize


class Pixels16:
    """Grey pixels of the image shrunk to 16 × 16 by area: 256 features."""

    id = "pixels-16/1"
    preprocessing = "grey (mean of channels), 16 × 16 by area"

    def __call__(self, images: Any) -> Array:
        """Features of a batch.

        Args:
            images: (N, 1 or 3, H, W) floats in [-1, 1].

        Returns:
            (N, 256) in [-1, 1].
        """
        return _shrunk(images)


class Structure16:
    """``Pixels16`` freed of brightness and contrast: for finding copies.

    Each image's 256 pixels are shifted to mean 0 and scaled to standard deviation 1, so that
    distances do not see a brighter or a paler copy as another image.
    """

    id = "structure-16/1"
    preprocessing = "grey (mean of channels), 16 × 16 by area, mean 0, standard deviation 1"

    def __call__(self, images: Any) -> Array:
        """Features of a batch.

        Args:
            images: (N, 1 or 3, H, W) floats in [-1, 1].

        Returns:
            (N, 256), mean 0 and standard deviation 1 in each row (an even image: zeros).
        """
        pixels = _shrunk(images)
        centred = pixels - pixels.mean(axis=1, keepdims=True)
        return np.asarray(centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-2))


def _shrunk(images: Any) -> Array:
    grey = as_unit_images(images).mean(axis=1, keepdims=True)
    return box_resize(grey, 16).reshape(len(grey), 256)
