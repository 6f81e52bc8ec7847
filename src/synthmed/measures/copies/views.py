"""Nearest and second-nearest training image in one view: features, or pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmed.measures.arrays import Array, as_features
from synthmed.measures.copies.calibration import group_names
from synthmed.measures.copies.search import Index
from synthmed.measures.search import nearest


@dataclass(frozen=True)
class NearestTwo:
    """The nearest training image of each image, and the nearest of another patient.

    Attributes:
        values: (N, 2) distances (low is close) or scores (high is close).
        rows: (N, 2) training rows.
        high_is_close: Whether the values are scores.
    """

    values: Array
    rows: Index
    high_is_close: bool = False


def feature_neighbours(
    synthetic: Any, train: Any, train_groups: Sequence[object] | None = None
) -> NearestTwo:
    """Nearest neighbours by Euclidean distance of features, by exact blocked search.

    Args:
        synthetic: (N, D) features.
        train: (T, D) features of the training images.
        train_groups: Patient of each training image; None takes each as its own.

    Returns:
        Distances and rows of the nearest training image and of the nearest one of another patient.

    Raises:
        SynthmedError: Widths that differ, or training images of fewer than four patients.
    """
    known = as_features(train, "training features")
    names = group_names(train_groups, len(known), "training")
    _, codes, sizes = np.unique(names, return_inverse=True, return_counts=True)
    distance, rows = nearest(synthetic, known, k=min(len(known), int(sizes.max()) + 1))
    second = (codes[rows] != codes[rows[:, :1]]).argmax(axis=1)
    every = np.arange(len(rows))
    return NearestTwo(
        np.stack([distance[:, 0], distance[every, second]], axis=1),
        np.stack([rows[:, 0], rows[every, second]], axis=1),
    )
