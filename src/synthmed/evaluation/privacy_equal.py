"""Synthetic images that are training images, bit by bit: whatever type either is said to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthmed.evaluation.sides import Side

ONE_LEVEL = 2.0 / 255.0 + 1e-6
"""Two images are equal where no pixel differs by more than one of 255 grey levels."""


def equal_images(synthetic: Side, train: Side) -> dict[int, int]:
    """Find the synthetic images whose file or framed pixels are those of a training image.

    Needs no calibration and no type: a hash of each image is compared with all others.

    Args:
        synthetic: Synthetic images.
        train: The generator's training images.

    Returns:
        Row of a synthetic image: row of the first training image that it equals.
    """
    files = _first(train.digests.tolist())
    pixels = _first(train.looks())
    found = {}
    for row, (file, image) in enumerate(
        zip(synthetic.digests.tolist(), synthetic.looks(), strict=True)
    ):
        match = pixels.get(image, files.get(file) if file else None)
        if match is not None:
            found[row] = match
    return found


def nearly_equal(synthetic: Side, made: int, train: Side, seen: int) -> bool:
    """Whether no pixel of two images differs by more than one grey level."""
    difference = np.abs(synthetic.images([made]) - train.images([seen]))
    return bool(difference.max() <= ONE_LEVEL)


def _first(names: Sequence[Any]) -> dict[Any, int]:
    """The first row of each name."""
    return {name: len(names) - 1 - i for i, name in enumerate(reversed(names))}
