"""The judge's features of `synthmed.measures`, with the moves that are safe for an image type."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from synthmed.measures import judge_features as measured
from synthmed.measures.arrays import Array
from synthmed.measures.judge_features import turned
from synthmed.training.augment import SAFE

__all__ = ["judge_features", "turned"]


def judge_features(images: npt.NDArray[Any], image_type: str, symmetric: bool) -> dict[str, Array]:
    """Features of the images of one type.

    Args:
        images: `(N, 3, S, S)` in [-1, 1]; brought to 64 px.
        image_type: Their type.
        symmetric: Whether to compare the halves.

    Returns:
        (N, D) by group of features.
    """
    return measured.judge_features(images, SAFE.get(image_type, ()), symmetric)
