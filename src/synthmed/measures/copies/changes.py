"""What a copy may have gone through: changes of images that leave a patient recognisable.

All take images (N, C, S, S) in [-1, 1] and a random generator, and give images of the same shape
and range. All channels of an image are changed alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, map_coordinates

from synthmed.measures.arrays import Array, box_resize

ANGLE, ZOOM = 7.0, 1.1
"""Degrees, and enlargement, of a turned copy."""
REACH = 0.06
"""Largest shift of a shifted copy, as a share of the side."""
WARP, WARP_SCALE, NOISE = 0.02, 0.12, 0.08
"""Warp: root mean square displacement and smoothness as shares of the side; noise in grey values
of [-1, 1]."""
CROP = 0.85
"""Side of the part that a cropped copy shows."""
COVER = 0.4
"""Side of the square that hides a part of a covered copy."""


def shifted(images: Array, rng: Generator) -> Array:
    """Moves each image by up to 6 % of the side in both directions, edges repeated."""
    reach = max(1, round(REACH * images.shape[-1]))
    out = np.empty_like(images)
    for i, image in enumerate(images):
        dy, dx = rng.integers(-reach, reach + 1, 2)
        dx = dx if dy or dx else reach
        wide = np.pad(image, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
        side = images.shape[-1]
        out[i] = wide[:, reach + dy : reach + dy + side, reach + dx : reach + dx + side]
    return out


def mirrored(images: Array, rng: Generator) -> Array:
    """Exchanges left and right."""
    return images[..., ::-1].copy()


def upside_down(images: Array, rng: Generator) -> Array:
    """Exchanges top and bottom."""
    return images[..., ::-1, :].copy()


def inverted(images: Array, rng: Generator) -> Array:
    """Exchanges black and white."""
    return -images


def regraded(images: Array, rng: Generator) -> Array:
    """Changes gamma (0.6 to 1.6), contrast (0.7 to 1.2) and brightness (0.12 of the range)."""
    count = (len(images), 1, 1, 1)
    gamma = np.exp(rng.uniform(-0.5, 0.5, count))
    contrast, offset = rng.uniform(0.7, 1.2, count), rng.uniform(-0.12, 0.12, count)
    unit = ((images + 1.0) / 2.0).clip(0.0, 1.0) ** gamma
    return np.clip(2.0 * ((unit - 0.5) * contrast + 0.5 + offset) - 1.0, -1.0, 1.0)


def turned(images: Array, rng: Generator) -> Array:
    """Turns by 7 degrees to one side or the other and enlarges by 1.1."""

    def place(y: Array, x: Array) -> tuple[Array, Array]:
        angle = np.deg2rad(ANGLE * rng.choice([-1.0, 1.0]))
        cos, sin = np.cos(angle) / ZOOM, np.sin(angle) / ZOOM
        return cos * y - sin * x, sin * y + cos * x

    return _resampled(images, place)


def warped(images: Array, rng: Generator) -> Array:
    """Bends the image smoothly (2 % of the side, root mean square) and adds noise (0.08)."""
    side = images.shape[-1]

    def place(y: Array, x: Array) -> tuple[Array, Array]:
        fields = gaussian_filter(rng.normal(size=(2, side, side)), (0, *2 * (WARP_SCALE * side,)))
        fields *= WARP * side / np.sqrt((fields**2).mean(axis=(1, 2), keepdims=True) * 2.0)
        return y + fields[0], x + fields[1]

    noise = rng.normal(0.0, NOISE, (len(images), 1, side, side))
    return np.clip(_resampled(images, place) + noise, -1.0, 1.0)


def cropped(images: Array, rng: Generator) -> Array:
    """Shows a part of 85 % of the side, enlarged to the whole."""
    side = images.shape[-1]

    def place(y: Array, x: Array) -> tuple[Array, Array]:
        dy, dx = rng.uniform(-1.0, 1.0, 2) * (1.0 - CROP) * side / 2.0
        return CROP * y + dy, CROP * x + dx

    return _resampled(images, place)


def coarse(images: Array, rng: Generator) -> Array:
    """Shrinks to half the side, enlarges again, adds faint noise: what a weak codec leaves."""
    side = images.shape[-1]
    small = box_resize(images, side // 2)
    at = np.clip((np.arange(side) + 0.5) * (side // 2) / side - 0.5, 0, side // 2 - 1)
    grid = np.meshgrid(at, at, indexing="ij")
    large = [[map_coordinates(plane, grid, order=1) for plane in image] for image in small]
    noise = rng.normal(0.0, 0.03, (len(images), 1, side, side))
    return np.clip(np.asarray(large) + noise, -1.0, 1.0)


def covered(images: Array, rng: Generator) -> Array:
    """Hides a square of 40 % of the side under the image's mean."""
    side = images.shape[-1]
    size = round(COVER * side)
    out = images.copy()
    for image in out:
        top, left = rng.integers(0, side - size + 1, 2)
        image[:, top : top + size, left : left + size] = image.mean()
    return out


def half_pasted(images: Array, others: Array, rng: Generator) -> Array:
    """Pastes one half of each image (left, right, top or bottom) into another patient's image.

    Args:
        images: (N, C, S, S).
        others: (M, C, S, S) images of other patients.
        rng: Draws the half and the other image.
    """
    half = images.shape[-1] // 2
    halves = (np.s_[:, :, :half], np.s_[:, :, half:], np.s_[:, :half], np.s_[:, half:])
    out = others[rng.integers(0, len(others), len(images))].astype(images.dtype)
    for target, image in zip(out, images, strict=True):
        part = halves[rng.integers(4)]
        target[part] = image[part]
    return out


def _resampled(images: Array, place: Callable[[Array, Array], tuple[Array, Array]]) -> Array:
    """Each image read where ``place`` says, in pixels from the centre; bilinear, edges repeated."""
    middle = (images.shape[-1] - 1) / 2.0
    y, x = np.mgrid[: images.shape[-2], : images.shape[-1]] - middle
    out = np.empty_like(images)
    for i, image in enumerate(images):
        at = np.stack(place(y, x)) + middle
        for channel, plane in enumerate(image):
            out[i, channel] = map_coordinates(plane, at, order=1, mode="nearest")
    return out
