"""How alike two images are, pixel by pixel, and how much fine detail a set of images holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import correlate1d

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_images

HALF_NYQUIST = 0.25
"""Cycles per pixel; the Nyquist frequency is 0.5."""


def psnr(a: Any, b: Any, data_range: float = 2.0) -> Array:
    """Peak signal-to-noise ratio of each pair of images.

    ``10 log10(data_range² / MSE)``, the MSE over all channels and pixels of one image.

    Args:
        a: (N, C, H, W) floats.
        b: (N, C, H, W) floats.
        data_range: Highest minus lowest possible value: 2 for images in [-1, 1].

    Returns:
        (N,) decibels; infinite where the two images are equal.

    Raises:
        SynthmedError: Integers, or shapes that differ.
    """
    a, b = _pair(a, b)
    error = ((a - b) ** 2).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return np.asarray(10.0 * np.log10(data_range**2 / error))


def ssim(a: Any, b: Any, data_range: float = 2.0, lowest: float = -1.0) -> Array:
    """Structural similarity of each pair of images (Wang et al. 2004, equation 13).

    Gaussian window of 11 × 11 pixels, sigma 1.5; K1 = 0.01, K2 = 0.03; only windows that lie
    wholly inside the image count. Channels are averaged.

    Args:
        a: (N, C, H, W) floats, H and W at least 11.
        b: (N, C, H, W) floats.
        data_range: Highest minus lowest possible value: 2 for images in [-1, 1].
        lowest: Lowest possible value; the luminance term is defined for values counted from it
            (with values around 0 it would call two nearly equal mid-greys unlike).

    Returns:
        (N,) in [-1, 1]; 1 where the two images are equal.

    Raises:
        SynthmedError: Integers, shapes that differ, or images under 11 pixels.
    """
    a, b = _pair(a, b)
    a, b = a - lowest, b - lowest
    if min(a.shape[2:]) < 11:
        raise SynthmedError(f"SSIM needs images of at least 11 × 11 pixels, not {a.shape[2:]}")
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (var_a + var_b + c2)
    return np.asarray((luminance * structure).mean(axis=(1, 2, 3)))


def radial_power(images: Any, window: str | None = "hann") -> tuple[Array, Array]:
    """Power spectrum over rings of equal spatial frequency, averaged over images and channels.

    The mean of each image is taken away first. Scaled so that white noise of variance ``s²``
    has power ``s²`` at every frequency, with or without the window.

    Args:
        images: (N, C, H, W) floats.
        window: ``"hann"`` fades the borders out, so that the jump from one edge of the image
            to the other does not count as fine detail; None takes the pixels as they are.

    Returns:
        Frequencies in cycles per pixel (ring centres, above 0 and up to Nyquist, 0.5) and the
        mean power in each ring.

    Raises:
        SynthmedError: Integers, or an unknown window.
    """
    power, radius = _power(as_images(images), window)
    width = 1.0 / min(power.shape)
    ring = np.rint(radius / width).astype(int)
    inside = (ring > 0) & (ring <= int(0.5 / width))
    total = np.bincount(ring[inside], weights=power[inside])
    count = np.bincount(ring[inside])
    return np.arange(1, len(count)) * width, total[1:] / count[1:]


def high_frequency_ratio(real: Any, synthetic: Any, window: str | None = "hann") -> float:
    """Fine detail of synthetic images beside that of real ones.

    Mean power of all coefficients above half the Nyquist frequency (0.25 < f ≤ 0.5 cycles per
    pixel), synthetic over real. Below 1: blurred; above 1: noisy or over-sharp.

    Args:
        real: (N, C, H, W) floats.
        synthetic: (M, C, H, W) floats of the same height and width.
        window: As for ``radial_power``.

    Returns:
        The ratio, at least 0.

    Raises:
        SynthmedError: Integers, sizes that differ, or real images without any fine detail.
    """
    real, synthetic = as_images(real, "real images"), as_images(synthetic, "synthetic images")
    if real.shape[2:] != synthetic.shape[2:]:
        raise SynthmedError(
            f"spectra of {real.shape[2:]} and {synthetic.shape[2:]} pixels cannot be compared"
        )
    means = []
    for images in (real, synthetic):
        power, radius = _power(images, window)
        means.append(power[(radius > HALF_NYQUIST) & (radius <= 0.5)].mean())
    if means[0] <= 0.0:
        raise SynthmedError("the real images hold no detail above half the Nyquist frequency")
    return float(means[1] / means[0])


def _power(images: Array, window: str | None) -> tuple[Array, Array]:
    """(H, W) mean power and (H, W) radial frequency in cycles per pixel."""
    height, width = images.shape[2:]
    if window not in ("hann", None):
        raise SynthmedError(f"unknown window {window!r}", mend="Known: 'hann', None")
    taper = hann(height)[:, None] * hann(width)[None] if window else np.ones((height, width))
    power = np.zeros((height, width))
    for start in range(0, len(images), 64):
        part = images[start : start + 64]
        spectrum = np.fft.fft2((part - part.mean(axis=(2, 3), keepdims=True)) * taper)
        power += (np.abs(spectrum) ** 2).mean(axis=1).sum(axis=0)
    power /= len(images) * (taper**2).sum()
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    return power, radius


def hann(n: int) -> Array:
    """(N,) Hann window: fades from 0 at both ends to 1 in the middle."""
    return np.asarray(np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2)


def _blur(images: Array) -> Array:
    """Gaussian mean over 11 × 11 windows inside the image: (N, C, H - 10, W - 10)."""
    weights = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weights /= weights.sum()
    blurred = correlate1d(correlate1d(images, weights, axis=2), weights, axis=3)
    return np.asarray(blurred[:, :, 5:-5, 5:-5])


def _pair(a: Any, b: Any) -> tuple[Array, Array]:
    a, b = as_images(a), as_images(b)
    if a.shape != b.shape:
        raise SynthmedError(f"images of shapes {a.shape} and {b.shape} cannot be compared")
    return a, b
