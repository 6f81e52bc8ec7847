"""Traces that generators leave: the spectrum, grey levels and noise of images, without a network.

Synthetic images are often known by their spectrum (Durall et al. 2020; Corvi et al. 2023) and by
their noise, less by what they show.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_unit_images

ID = "forensics/1"
PREPROCESSING = "rounded to 8 bits, native size of the frame"
RINGS = 16
"""Bands of radial frequency up to Nyquist (0.5 cycles per pixel); a last one holds the corners."""
_AXES = 8
_FLOOR = 1e-7  # power of a rounding error, about
_LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))


def forensic_features(images: Any) -> dict[str, Array]:
    """Features of images, by group.

    Images are rounded to 8 bits first: else images that were resized on reading would be known
    by their finer grey levels.

    Args:
        images: (N, 1 or 3, S, S) floats in [-1, 1], S at least 16. Sizes must be equal wherever
            features are compared.

    Returns:
        (N, D) by group: spectrum (17: logarithm of the power in each band), peaks (17: of the
        strongest wave of each band over its mean), axes (16: power along both axes), colour (3:
        powers of the colour differences, and their spread), histogram (16 shares and those of
        black and white), residual (9: size, tails and correlations of what a 3 × 3 mean leaves),
        texture (16 shares of local binary patterns).

    Raises:
        SynthmedError: Integers, another shape, values outside [-1, 1], or under 16 pixels.
    """
    x = rounded(images)
    if min(x.shape[2:]) < 16:
        raise SynthmedError(f"traces need at least 16 pixels, not {x.shape[2:]}")
    grey = x.mean(axis=1)
    spectrum, peaks, axes = _spectra(grey)
    return {
        "spectrum": spectrum,
        "peaks": peaks,
        "axes": axes,
        "colour": _colour(x),
        "histogram": _histogram(grey),
        "residual": _residual(grey),
        "texture": _texture(grey),
    }


def tile_features(images: Any, tiles: int = 8) -> Array:
    """Few features of each tile of an image, to see where traces lie.

    Args:
        images: (N, 1 or 3, S, S) floats in [-1, 1].
        tiles: Tiles along a side, at most S.

    Returns:
        (N, tiles, tiles, 4): mean, standard deviation, and the logarithms of the mean squared
        gradient and of what a 3 × 3 mean leaves.
    """
    grey = rounded(images).mean(axis=1)
    dy, dx = np.gradient(grey, axis=(1, 2))
    rest = (grey - uniform_filter(grey, (0, 3, 3), mode="nearest")) ** 2
    mean, square = _by_tile(grey, tiles), _by_tile(grey**2, tiles)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    gradient = np.log10(_by_tile(dy**2 + dx**2, tiles) + _FLOOR)
    return np.stack([mean, spread, gradient, np.log10(_by_tile(rest, tiles) + _FLOOR)], axis=-1)


def band_edges() -> list[tuple[float, float]]:
    """Ends of the bands of the group "spectrum", in cycles per pixel."""
    width = 0.5 / RINGS
    rings = [(ring * width, (ring + 1) * width) for ring in range(RINGS)]
    return [*rings, (0.5, float(np.sqrt(0.5)))]


def rounded(images: Any) -> Array:
    """Images in [-1, 1], rounded to the 256 levels of an 8-bit file."""
    return np.asarray(np.rint((np.clip(as_unit_images(images), -1, 1) + 1) * 127.5) / 127.5 - 1)


def _spectra(grey: Array) -> tuple[Array, Array, Array]:
    """(N, 17) logarithms of mean power by band and of its peaks, and (N, 16) along both axes."""
    n, height, width = grey.shape
    taper = _hann(height)[:, None] * _hann(width)[None]
    centred = (grey - grey.mean(axis=(1, 2), keepdims=True)) * taper
    power = np.abs(np.fft.fft2(centred)) ** 2 / (taper**2).sum()
    fy, fx = np.abs(np.fft.fftfreq(height)), np.abs(np.fft.fftfreq(width))
    radius = np.hypot(fy[:, None], fx[None])
    ring = np.minimum((radius / 0.5 * RINGS).astype(int), RINGS).ravel()
    members = np.eye(RINGS + 1)[ring]
    members[0] = 0  # the mean
    flat = power.reshape(n, -1)
    flat[:, 0] = 0
    bands = flat @ members / np.maximum(members.sum(axis=0), 1)
    order = np.argsort(ring, kind="stable")
    highest = np.maximum.reduceat(flat[:, order], np.searchsorted(ring[order], range(RINGS + 1)), 1)
    along = []
    for frequency, line in ((fy, power[:, :, :2].mean(axis=2)), (fx, power[:, :2].mean(axis=1))):
        part = np.eye(_AXES)[np.minimum((frequency / 0.5 * _AXES).astype(int), _AXES - 1)]
        along.append(line @ part / part.sum(axis=0))
    peaks = np.log10((highest + _FLOOR) / (bands + _FLOOR))
    axes = np.log10(np.concatenate(along, axis=1) + _FLOOR)
    return np.log10(bands + _FLOOR), peaks, axes


def _colour(x: Array) -> Array:
    """(N, 3) powers of red - green and green - blue, and the mean spread of channels."""
    if x.shape[1] == 1:
        return np.zeros((len(x), 3))
    pairs = [((x[:, i] - x[:, i + 1]) ** 2).mean(axis=(1, 2)) for i in (0, 1)]
    return np.stack([*(np.log10(p + _FLOOR) for p in pairs), x.std(axis=1).mean((1, 2))], axis=1)


def _histogram(grey: Array) -> Array:
    """(N, 18) shares of 16 levels of grey, of black and of white."""
    level = np.clip(((grey + 1) * 8).astype(int), 0, 15).reshape(len(grey), -1)
    shares = [(level == i).mean(axis=1) for i in range(16)]
    ends = [(grey <= -1).mean(axis=(1, 2)), (grey >= 1).mean(axis=(1, 2))]
    return np.stack([*shares, *ends], axis=1)


def _residual(grey: Array) -> Array:
    """(N, 9) what a 3 × 3 mean leaves: size, spread, tails, share of zeros, correlations."""
    rest = grey - uniform_filter(grey, (0, 3, 3), mode="nearest")
    square = (rest**2).mean(axis=(1, 2)) + _FLOOR
    columns = [np.log10(square), np.log10(np.abs(rest).mean(axis=(1, 2)) + _FLOOR)]
    columns.append(np.log10((rest**4).mean(axis=(1, 2)) / square**2 + _FLOOR))
    columns.append((np.abs(rest) < 1e-4).mean(axis=(1, 2)))
    height, width = grey.shape[1:]
    for dy, dx in _LAGS:
        moved = rest[:, dy:, dx:] * rest[:, : height - dy, : width - dx]
        columns.append(moved.mean(axis=(1, 2)) / square)
    return np.stack(columns, axis=1)


def _texture(grey: Array) -> Array:
    """(N, 16) shares of local binary patterns of 4 neighbours (Ojala et al. 2002)."""
    inner = grey[:, 1:-1, 1:-1]
    around = (grey[:, :-2, 1:-1], grey[:, 1:-1, 2:], grey[:, 2:, 1:-1], grey[:, 1:-1, :-2])
    code = sum((side > inner).astype(int) << bit for bit, side in enumerate(around))
    flat = np.asarray(code).reshape(len(grey), -1)
    return np.stack([(flat == i).mean(axis=1) for i in range(16)], axis=1)


def _by_tile(x: Array, tiles: int) -> Array:
    """(N, tiles, tiles) mean of (N, H, W) over each tile; a rest at the edge is left out."""
    n, height, width = x.shape
    if tiles > min(height, width):
        raise SynthmedError(f"{tiles} tiles along {min(height, width)} pixels")
    dy, dx = height // tiles, width // tiles
    cut = x[:, : dy * tiles, : dx * tiles].reshape(n, tiles, dy, tiles, dx)
    return np.asarray(cut.mean(axis=(2, 4)))


def _hann(n: int) -> Array:
    return np.asarray(np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2)
