"""Translation without any network: nothing at all, matched histograms, the target's spectrum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.data import eight_bits

Pixels = npt.NDArray[np.float32]
BETA = 0.05
"""Half the side of the replaced square of low frequencies, as a share of the image's side."""


@dataclass
class Identity:
    """The untouched source."""

    name: str = "identity"
    family: str = "identity"
    parameters: int = 0
    evaluations: float = 0
    key: str = "identity"

    def translate(self, images_N1SS: Pixels, source: str, target: str) -> Pixels:
        """The images themselves."""
        return images_N1SS


class HistogramMatching:
    """Grey levels by rank: each image gets the pooled histogram of the target's training images.

    Args:
        train: Training images `(N, 1, S, S)` in [-1, 1] by domain.
    """

    name = family = "histogram matching"
    parameters, evaluations = 0, 0.0

    def __init__(self, train: Mapping[str, Pixels]) -> None:
        self.pooled = {name: np.sort(images.ravel()) for name, images in train.items()}
        self.key = f"{self.name} {_digest(train)}"

    def translate(self, images_N1SS: Pixels, source: str, target: str) -> Pixels:
        """Images with the target's histogram; equal grey levels stay equal."""
        return eight_bits(np.stack([matched(x, self.pooled[target]) for x in images_N1SS]))


def matched(image: Pixels, values: npt.NDArray[np.float32]) -> Pixels:
    """An image with the distribution of some sorted values.

    A grey level whose mid-rank is the share q of the image becomes the quantile q of the values.
    """
    _, inverse, counts = np.unique(image, return_inverse=True, return_counts=True)
    shares = (np.cumsum(counts) - 0.5 * counts) / image.size
    middles = (np.arange(len(values)) + 0.5) / len(values)
    levels = np.interp(shares, middles, values)
    return np.asarray(levels[inverse].reshape(image.shape), np.float32)


class FourierAdaptation:
    """Fourier domain adaptation: the amplitudes of low frequencies from a target image.

    Yang & Soatto 2020, arXiv:2004.05498, eq. 2 to 4: the source's phase, and in a square of low
    frequencies the amplitude of a randomly drawn training image of the target.

    Args:
        train: Training images `(N, 1, S, S)` in [-1, 1] by domain.
        beta: Half the square's side as a share of the image's.
        seed: Seeds the draw of the target images.
    """

    name = family = "Fourier domain adaptation"
    parameters, evaluations = 0, 0.0

    def __init__(self, train: Mapping[str, Pixels], beta: float = BETA, seed: int = 0) -> None:
        self.train, self.beta, self.seed = dict(train), beta, seed
        self.key = f"{self.name} {beta} {seed} {_digest(train)}"

    def translate(self, images_N1SS: Pixels, source: str, target: str) -> Pixels:
        """Images with the target's low frequencies, clipped to [-1, 1]."""
        styles = self.train[target]
        draw = np.random.default_rng(self.seed).integers(len(styles), size=len(images_N1SS))
        return eight_bits(adapted(images_N1SS, styles[draw], self.beta))


def adapted(images: Pixels, styles: Pixels, beta: float) -> Pixels:
    """Images `(N, C, H, W)` in [-1, 1] with the low-frequency amplitudes of as many others.

    Black counts as 0, so that the phase of the mean is the same in all images.
    """
    own, other = (np.fft.fftshift(np.fft.fft2(x + 1.0), axes=(-2, -1)) for x in (images, styles))
    height, width = images.shape[-2:]
    reach = int(beta * min(height, width))
    rows, columns = (slice(n // 2 - reach, n // 2 + reach + 1) for n in (height, width))
    amplitude = np.abs(own)
    amplitude[..., rows, columns] = np.abs(other)[..., rows, columns]
    mixed = np.fft.ifftshift(amplitude * np.exp(1j * np.angle(own)), axes=(-2, -1))
    return np.asarray(np.fft.ifft2(mixed).real - 1.0, np.float32)


def _digest(train: Mapping[str, Pixels]) -> str:
    digest = hashlib.sha256()
    for name in sorted(train):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(train[name]).tobytes())
    return digest.hexdigest()[:16]
