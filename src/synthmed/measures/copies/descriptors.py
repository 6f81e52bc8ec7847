"""Cheap descriptions of an image, by which candidates for a closer look are found.

No single one finds every kind of copy: coarse pixels miss a copy of half of an image, its halves
miss a turned one, histograms of gradient directions (Dalal and Triggs 2005) bear small turns and
warps. All are unit vectors; the product of two is their correlation.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from synthmed.measures.arrays import Array, box_resize
from synthmed.measures.copies.prepare import CHUNK, LARGEST, Float32

DIRECTIONS = 8
"""Classes of gradient directions in half a turn."""
_TINY = 1e-6


def descriptors(grey: Float32) -> dict[str, Float32]:
    """Describes images.

    Args:
        grey: (N, s, s) grey values in [-1, 1].

    Returns:
        (N, D) unit vectors by name: the pixels shrunk to 16 × 16 ("whole"), those of each half
        ("left", "right", "top", "bottom"), all freed of brightness and contrast, and
        "gradients", histograms of directions in 8 × 8 cells.
    """
    parts = [_describe(grey[start : start + CHUNK]) for start in range(0, len(grey), CHUNK)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _describe(grey: Float32) -> dict[str, Float32]:
    small = box_resize(grey[:, None].astype(np.float64), 16)[:, 0]
    pixels = {
        "whole": small,
        "left": small[:, :, :8],
        "right": small[:, :, 8:],
        "top": small[:, :8],
        "bottom": small[:, 8:],
    }
    found = {name: _unit(_centred(part)) for name, part in pixels.items()}
    found["gradients"] = _unit(_centred(_directions(grey)))
    return found


def _directions(grey: Float32) -> Array:
    """(N, 8, 8, 8) square roots of the shares of gradient directions in each cell."""
    sigma = grey.shape[-1] / LARGEST
    smooth = gaussian_filter(grey.astype(np.float64), (0.0, sigma, sigma), mode="nearest")
    dy, dx = np.gradient(smooth, axis=(1, 2))
    length = np.hypot(dy, dx)
    place = (np.arctan2(dy, dx) % np.pi) / np.pi * DIRECTIONS
    maps = []
    for direction in range(DIRECTIONS):
        away = np.abs(place - direction)
        share = np.maximum(0.0, 1.0 - np.minimum(away, DIRECTIONS - away))
        maps.append(box_resize((length * share)[:, None], 8)[:, 0])
    histogram = np.stack(maps, axis=-1)
    return np.asarray(np.sqrt(histogram / (histogram.sum(axis=-1, keepdims=True) + 0.02)))


def _centred(parts: Array) -> Array:
    flat = parts.reshape(len(parts), -1)
    return flat - flat.mean(axis=1, keepdims=True)


def _unit(rows: Array) -> Float32:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(length, _TINY)).astype(np.float32)
