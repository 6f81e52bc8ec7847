"""Multi-scale structural similarity of two images."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_images

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA, SMALLEST = 11, 1.5, 48


def scales_of(height: int, width: int) -> int:
    """Number of scales of MS-SSIM at a size: at each the window of 11 pixels must fit.

    Args:
        height: Pixels.
        width: Pixels.

    Returns:
        3 at 48 pixels, 5 from 176 pixels.

    Raises:
        SynthmedError: Images under 48 pixels.
    """
    side = min(height, width)
    if side < SMALLEST:
        raise SynthmedError(
            f"MS-SSIM needs images of at least {SMALLEST} pixels, not {height} × {width}"
        )
    return sum(side // 2**i >= WINDOW for i in range(len(WEIGHTS)))


def ms_ssim(a: Any, b: Any, data_range: float = 2.0, lowest: float = -1.0) -> Array:
    """Multi-scale structural similarity of each pair of images (Wang et al. 2003, equation 7).

    ``l_M^w_M prod_i cs_i^w_i``: contrast and structure at each scale, luminance at the last.
    Gaussian window of 11 × 11 pixels, sigma 1.5, inside the image only; K1 = 0.01, K2 = 0.03;
    each scale is the mean of 2 × 2 pixels of the one before. The published five weights are for
    176 pixels and more; below, the first M of them are divided by their sum. A negative
    contrast-structure term counts as 0. Channels are averaged at each scale.

    Args:
        a: (N, C, H, W) floats, H and W at least 48.
        b: (N, C, H, W) floats.
        data_range: Highest minus lowest possible value: 2 for images in [-1, 1].
        lowest: Lowest possible value; luminance is counted from it, see `ssim`.

    Returns:
        (N,) in [0, 1]; 1 where the two images are equal.

    Raises:
        SynthmedError: Integers, shapes that differ, or images under 48 pixels.
    """
    a, b = as_images(a), as_images(b)
    if a.shape != b.shape:
        raise SynthmedError(f"images of shapes {a.shape} and {b.shape} cannot be compared")
    a, b = a - lowest, b - lowest
    scales = scales_of(*a.shape[2:])
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    similarity = np.ones(len(a))
    for scale, weight in enumerate(weights):
        luminance, structure = _terms(a, b, data_range)
        last = scale == scales - 1
        term = (luminance * structure if last else structure).mean(axis=(1, 2, 3))
        similarity *= np.clip(term, 0.0, None) ** weight
        if not last:
            a, b = _half(a), _half(b)
    return similarity


def _terms(a: Array, b: Array, data_range: float) -> tuple[Array, Array]:
    """Luminance and contrast-structure of each window: (N, C, W - 10, H - 10)."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_a, mean_b, aa, bb, ab = _blur(np.stack([a, b, a * a, b * b, a * b]))
    square, product = mean_a**2 + mean_b**2, mean_a * mean_b
    structure = (2 * (ab - product) + c2) / (aa + bb - square + c2)
    return (2 * product + c1) / (square + c1), structure


def _blur(maps: Array) -> Array:
    """Gaussian means over windows inside the maps (..., H, W): (..., W - 10, H - 10)."""
    *lead, height, width = maps.shape
    across = (maps.reshape(-1, width) @ _window_means(width).T).reshape(*lead, height, -1)
    turned = np.ascontiguousarray(np.swapaxes(across, -1, -2))
    blurred = turned.reshape(-1, height) @ _window_means(height).T
    return np.asarray(blurred.reshape(*lead, turned.shape[-2], -1))


def _window_means(size: int) -> Array:
    """(size - 10, size): a product with it takes Gaussian means over windows of 11."""
    weights = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / SIGMA) ** 2)
    weights /= weights.sum()
    table = np.zeros((size - WINDOW + 1, size))
    for offset, weight in enumerate(weights):
        np.fill_diagonal(table[:, offset:], weight)
    return table


def _half(images: Array) -> Array:
    """Mean of 2 × 2 pixels; an odd last row or column is left out."""
    n, c, height, width = images.shape
    even = images[:, :, : height // 2 * 2, : width // 2 * 2]
    return np.asarray(even.reshape(n, c, height // 2, 2, width // 2, 2).mean(axis=(3, 5)))
