"""The threshold: how far the closest training image stands out for images of other patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array

FEWEST_GROUPS = 4
FOLDS = 5
Mask = NDArray[np.bool_]


def group_names(groups: Sequence[object] | None, count: int, name: str) -> NDArray[np.str_]:
    """Names of the patients of a set's images.

    Args:
        groups: One an image; None takes each image as a patient.
        count: Number of images.
        name: What an error calls the images.

    Raises:
        SynthmedError: Another number of groups, or fewer than four different ones.
    """
    names = np.asarray(groups if groups is not None else np.arange(count)).astype(str)
    if names.shape != (count,):
        raise SynthmedError(f"groups of shape {names.shape} for {count} {name} images")
    different = len(np.unique(names))
    if different < FEWEST_GROUPS:
        raise SynthmedError(
            f"{name} images of {different} groups are too few to look for copies",
            mend=f"Use at least {FEWEST_GROUPS} groups (patients), better fifty",
        )
    return names


def threshold_of(scores: Array, false_alarm: float) -> tuple[float, float]:
    """Sets a threshold that about a share of images like these exceeds.

    With n scores the k-th largest one is exceeded by a new image of the same kind with probability
    k / (n + 1), whatever the distribution (the conformal quantile). Few images cannot resolve a
    small rate: k is at least 1, and so the rate at least 1 / (n + 1).

    Args:
        scores: (n,) scores of images that are no copies.
        false_alarm: The share wanted.

    Returns:
        The threshold, and the share that it stands for, k / (n + 1).

    Raises:
        SynthmedError: No score at all.
    """
    if len(scores) == 0:
        raise SynthmedError(
            "no score of a hold-out image to set a threshold by",
            mend="Give more hold-out images of other patients",
        )
    k = min(len(scores), max(1, int(false_alarm * (len(scores) + 1) + 1e-9)))
    return float(np.sort(scores)[-k]), k / (len(scores) + 1)


def cross_fitted_alarms(
    scored: Callable[[Mask], Array],
    groups: NDArray[Any],
    usable: Mask,
    false_alarm: float,
    seed: int,
) -> int:
    """Counts images of other patients that are taken for copies by rules they had no part in.

    The patients are dealt into five folds; each is judged by a rule made from the others.

    Args:
        scored: Takes the rows that a rule may be made from, gives the scores of all rows.
        groups: (n,) patient of each row.
        usable: (n,) rows that a threshold may be made from; all are judged.
        false_alarm: The share wanted.
        seed: Seeds the deal.

    Returns:
        The number of false alarms among the n rows.

    Raises:
        SynthmedError: The rows outside a fold hold none that a threshold may be made from.
    """
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    alarms = 0
    for fold in range(min(FOLDS, len(order))):
        judged = np.isin(groups, order[fold::FOLDS])
        scores = scored(~judged)
        limit, _ = threshold_of(scores[~judged & usable], false_alarm)
        alarms += int((scores[judged] > limit).sum())
    return alarms


def check_share(false_alarm: float) -> None:
    """Raises SynthmedError unless a false-alarm rate lies above 0 and below one half."""
    if not 0.0 < false_alarm < 0.5:
        raise SynthmedError(
            f"a false-alarm rate of {false_alarm}", mend="Give a share between 0 and 0.5"
        )
