"""The registry of feature extractors: images in, one row of numbers each out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_unit_images, box_resize
from synthmed.measures.structure import radial_power


class Extractor(Protocol):
    """Turns images into features.

    Attributes:
        id: Name, version and, for networks, a hash of the weights.
        preprocessing: What is done to the images first.
    """

    @property
    def id(self) -> str: ...  # noqa: D102

    @property
    def preprocessing(self) -> str: ...  # noqa: D102

    def __call__(self, images: Any) -> Array:
        """Features (N, D) in float64 of images (N, 3, H, W), floats in [-1, 1]."""
        ...


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
        """
        checked = as_unit_images(images)
        if min(checked.shape[2:]) < 16:
            raise SynthmedError(f"'statistics' needs at least 16 pixels, not {checked.shape[2:]}")
        return np.stack([_statistics(image) for image in checked])


def _small_cnn(folder: str | Path | None = None) -> Extractor:
    from synthmed.measures.small_cnn import Classifier

    if folder is None:
        raise SynthmedError(
            "'small-cnn' needs the folder of a trained classifier",
            mend="Train one by fit_classifier and save it",
        )
    return Classifier.load(folder)


EXTRACTORS: dict[str, Callable[..., Extractor]] = {
    "pixels-16": Pixels16,
    "structure-16": Structure16,
    "statistics": Statistics,
    "small-cnn": _small_cnn,
}


def load_extractor(name: str, folder: str | Path | None = None) -> Extractor:
    """Opens a registered extractor.

    Args:
        name: A name in ``EXTRACTORS``.
        folder: Where its weights lie, for those that have any (``small-cnn``).

    Returns:
        The extractor.

    Raises:
        SynthmedError: An unknown name, or no folder where one is needed.
    """
    if name not in EXTRACTORS:
        raise SynthmedError(f"unknown extractor {name!r}", mend=f"Known: {', '.join(EXTRACTORS)}")
    return EXTRACTORS[name](folder) if folder is not None else EXTRACTORS[name]()


def _shrunk(images: Any) -> Array:
    grey = as_unit_images(images).mean(axis=1, keepdims=True)
    return box_resize(grey, 16).reshape(len(grey), 256)


def _statistics(image: Array) -> Array:
    """49 features of one (C, H, W) image."""
    grey = image.mean(axis=0)
    histogram = np.histogram(grey, bins=16, range=(-1.0, 1.0))[0] / grey.size
    colours = np.broadcast_to(image, (3, *grey.shape)).reshape(3, -1)
    frequency, power = radial_power(grey[None, None])
    band = np.minimum((frequency / 0.5 * 8).astype(int), 7)
    bands = np.bincount(band, weights=power, minlength=8) / np.bincount(band, minlength=8)
    spectrum = np.log10(bands + 1e-6) / 3.0
    length = np.hypot(*np.gradient(grey))
    gradient = [length.mean(), length.std(), np.quantile(length, 0.9)]
    inner = grey[1:-1, 1:-1]
    around = (grey[:-2, 1:-1], grey[1:-1, 2:], grey[2:, 1:-1], grey[1:-1, :-2])
    code = sum((side > inner).astype(int) << bit for bit, side in enumerate(around))
    patterns = np.bincount(np.ravel(code), minlength=16) / inner.size
    parts = (histogram, colours.mean(axis=1), colours.std(axis=1), spectrum, gradient, patterns)
    return np.concatenate(parts)
