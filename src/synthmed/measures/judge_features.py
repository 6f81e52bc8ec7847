"""Features without weights for judges of what an image shows, in groups of one kind each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from synthmed.measures.arrays import Array, as_unit_images, box_resize
from synthmed.measures.features import load_extractor
from synthmed.measures.judge_halves import TAIL, halves

ID = "judge-features/1"
PREPROCESSING = "64 × 64 by area"
SIDE = 64
LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


def judge_features(
    images: Any, operations: Sequence[str] = (), symmetric: bool = False
) -> dict[str, Array]:
    """Features of images of one type.

    What depends on how an image lies is averaged over the mirror images and turns that change
    nothing of what the type shows, so that the judge need not learn them.

    Args:
        images: (N, 1 or 3, S, S) floats in [-1, 1]; brought to 64 px.
        operations: Which of "flip" (left and right), "symmetric" (also up and down) and "turn"
            (also quarter turns) change nothing; other names are passed over.
        symmetric: Whether to compare the halves, as for brains; this takes most of the time.

    Returns:
        (N, D) by group: statistics, gradients, layout, mirror difference, quantiles, blobs and,
        if `symmetric`, halves.

    Raises:
        SynthmedError: Integers, another shape, or values outside [-1, 1].
    """
    x = as_unit_images(images)
    x = np.repeat(x, 3 // x.shape[1], axis=1)
    x = x if x.shape[-1] == SIDE else box_resize(x, SIDE)
    views = [_positional(view) for view in turned(x, operations)]
    found = {name: np.mean([view[name] for view in views], axis=0) for name in views[0]}
    grey = x.mean(axis=1)
    quantiles = np.quantile(x.reshape(*x.shape[:2], -1), LEVELS, axis=-1)
    found["quantiles"] = np.moveaxis(quantiles, 0, -1).reshape(len(x), -1)
    found["blobs"] = _blobs(grey)
    if symmetric:
        found["halves"] = np.stack([halves(image) for image in grey])
    return found


def turned(images: NDArray[Any], operations: Sequence[str]) -> Iterator[NDArray[Any]]:
    """The images turned and mirrored in all ways that some operations can.

    Args:
        images: (N, C, S, S).
        operations: As in `judge_features`.
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
    both = [histogram / (norm + 1), np.log1p(norm)]
    return np.concatenate([part.reshape(len(grey), -1) for part in both], axis=1)


def _blobs(grey: Array) -> Array:
    """(N, 16) extremes and spread of differences of Gaussians at four scales."""
    columns = []
    for sigma in (1, 2, 4, 8):
        narrow, wide = (gaussian_filter(grey, (0, s, s)) for s in (sigma, 2 * sigma))
        difference = (narrow - wide).reshape(len(grey), -1)
        columns += [difference.max(axis=1), difference.min(axis=1), difference.std(axis=1)]
        columns.append(np.abs(difference).mean(axis=1))
    return np.stack(columns, axis=1)
