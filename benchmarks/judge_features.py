"""Features without weights for the attribute judges, in groups of one kind each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, rotate

from synthmed.measures.arrays import as_unit_images, box_resize
from synthmed.measures.features import load_extractor
from synthmed.training.augment import SAFE

Array = npt.NDArray[np.float64]
SIDE = 64
LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
TAIL = (0.5, 0.75, 0.9, 0.95, 0.99)
ANGLES, SHIFTS = range(-9, 10, 3), range(-6, 7, 2)


def judge_features(
    images: npt.NDArray[np.float32], image_type: str, symmetric: bool
) -> dict[str, Array]:
    """Features of the images of one type.

    What depends on how an image lies is averaged over the mirror images and turns that are safe
    for the type, so that the judge need not learn them.

    Args:
        images: `(N, 3, S, S)` in [-1, 1]; brought to 64 px.
        image_type: Their type.
        symmetric: Whether to compare the halves.

    Returns:
        (N, D) by group of features.
    """
    x = as_unit_images(images)
    x = x if x.shape[-1] == SIDE else box_resize(x, SIDE)
    views = [_positional(view) for view in turned(x, SAFE.get(image_type, ()))]
    found = {name: np.mean([view[name] for view in views], axis=0) for name in views[0]}
    grey = x.mean(axis=1)
    quantiles = np.quantile(x.reshape(*x.shape[:2], -1), LEVELS, axis=-1)
    found["quantiles"] = np.moveaxis(quantiles, 0, -1).reshape(len(x), -1)
    found["blobs"] = _blobs(grey)
    if symmetric:
        found["halves"] = np.stack([_halves(image) for image in grey])
    return found


def turned(images: npt.NDArray[Any], operations: Sequence[str]) -> Iterator[npt.NDArray[Any]]:
    """The images `(N, C, S, S)` turned and mirrored in all ways that some augmentations can.

    Args:
        images: The images.
        operations: Names of `synthmed.training.augment.OPERATIONS`.
    """
    quarters = (
        (0, 1, 2, 3) if "turn" in operations else (0, 2) if "symmetric" in operations else (0,)
    )
    for quarter in quarters:
        view = np.rot90(images, quarter, (-2, -1))
        yield view
        if {"flip", "symmetric", "turn"} & set(operations):
            yield view[..., ::-1]


def _positional(x: Array) -> dict[str, Array]:
    grey = x.mean(axis=1)
    difference = np.abs(grey - grey[..., ::-1])[..., : SIDE // 2]
    coarse = difference.reshape(len(x), 8, 8, 8, 4).mean(axis=(2, 4)).reshape(len(x), -1)
    tail = np.quantile(difference.reshape(len(x), -1), TAIL, axis=-1).T
    return {
        "statistics": load_extractor("statistics")(x),
        "gradients-8": _gradients(grey, 8),
        "gradients-16": _gradients(grey, 16),
        "layout": box_resize(x, 8).reshape(len(x), -1),
        "mirror": np.concatenate([coarse, tail], axis=1),
    }


def _gradients(grey: Array, cell: int, bins: int = 9) -> Array:
    """Histograms of oriented gradients (Dalal and Triggs 2005), without blocks.

    Args:
        grey: (N, 64, 64).
        cell: Side of a cell in pixels.
        bins: Orientations in half a turn.

    Returns:
        (N, D): each cell's histogram over 1 + its norm, and the logarithm of 1 + the norm.
    """
    dy, dx = np.gradient(grey, axis=(1, 2))
    length, place = np.hypot(dy, dx), (np.arctan2(dy, dx) % np.pi) / np.pi * bins
    cells = SIDE // cell
    histogram = np.empty((len(grey), cells, cells, bins))
    for b in range(bins):
        distance = np.abs(place - b)
        share = np.maximum(0, 1 - np.minimum(distance, bins - distance))
        parts = (length * share).reshape(len(grey), cells, cell, cells, cell)
        histogram[..., b] = parts.sum(axis=(2, 4))
    norm = np.linalg.norm(histogram, axis=-1, keepdims=True)
    parts = [histogram / (norm + 1), np.log1p(norm)]
    return np.concatenate([part.reshape(len(grey), -1) for part in parts], axis=1)


def _blobs(grey: Array) -> Array:
    """(N, 16) extremes and spread of differences of Gaussians at four scales."""
    columns = []
    for sigma in (1, 2, 4, 8):
        narrow, wide = (gaussian_filter(grey, (0, s, s)) for s in (sigma, 2 * sigma))
        difference = (narrow - wide).reshape(len(grey), -1)
        columns += [difference.max(axis=1), difference.min(axis=1), difference.std(axis=1)]
        columns.append(np.abs(difference).mean(axis=1))
    return np.stack(columns, axis=1)


def _halves(image: Array) -> Array:
    """(58,) how the left half of an aligned (64, 64) brain differs from the right, and outliers."""
    error, straight, mirrored = _aligned(image)
    brain = (gaussian_filter(straight, 2) > -0.8) & (gaussian_filter(mirrored, 2) > -0.8)
    if not brain.any():
        brain[:] = True
    inside = straight[brain]
    found = [error, brain.mean(), inside.mean(), inside.std()]
    for sigma in (1, 2, 3, 4):
        difference = gaussian_filter(straight, sigma) - gaussian_filter(mirrored, sigma)
        signed = difference[brain]
        size = np.abs(signed)
        found += [size.mean(), *np.quantile(size, TAIL), size.max(), signed.max(), signed.min()]
    for sigma in (1, 2, 3):
        smooth = gaussian_filter(straight, sigma)[brain]
        centred = (smooth - np.median(smooth)) / (smooth.std() + 1e-6)
        found += [centred.max(), centred.min(), *np.quantile(centred, (0.02, 0.1, 0.9, 0.98))]
    return np.asarray(found)


def _aligned(image: Array) -> tuple[float, Array, Array]:
    """Turn an image so that it and its shifted mirror image differ least: error and both."""
    best: tuple[float, Array, Array] | None = None
    for angle in ANGLES:
        straight = rotate(image, angle, reshape=False, order=1, cval=-1.0) if angle else image
        for shift in SHIFTS:
            mirrored = np.roll(straight[:, ::-1], shift, axis=1)
            error = float(((straight - mirrored) ** 2).mean())
            if best is None or error < best[0]:
                best = (error, straight, mirrored)
    assert best is not None
    return best
