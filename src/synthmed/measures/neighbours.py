"""Nearest neighbours, and copies of training images among synthetic ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.arrays import Array, as_features
from synthmed.measures.intervals import wilson
from synthmed.measures.search import nearest

Index = NDArray[np.int64]


@dataclass(frozen=True)
class CopyResult:
    """How many synthetic images are copies of training images.

    Attributes:
        rate: Share of synthetic images called copies.
        low: Lower end of the rate's 95 % Wilson interval.
        high: Upper end of the rate's 95 % Wilson interval.
        n: Number of synthetic images.
        threshold: A copy's distance to its nearest training image is below this.
        ratio_threshold: So is its ratio of that distance to the nearest hold-out image's.
        indices: Rows of the synthetic images called copies.
        matches: For each of these, the row of the training image.
        false_alarm_rate: Share of hold-out images (no copies by construction) that the same
            rule calls copies; each half is judged by thresholds from the other half.
        false_alarm_low: Lower end of its 95 % Wilson interval.
        false_alarm_high: Upper end of its 95 % Wilson interval.
        n_train: Number of training images.
        n_holdout: Number of hold-out images.
    """

    rate: float
    low: float
    high: float
    n: int
    threshold: float
    ratio_threshold: float
    indices: tuple[int, ...]
    matches: tuple[int, ...]
    false_alarm_rate: float
    false_alarm_low: float
    false_alarm_high: float
    n_train: int
    n_holdout: int


def copy_threshold(
    holdout: Any, train: Any, holdout_groups: Sequence[str] | None = None, quantile: float = 0.05
) -> tuple[float, float]:
    """Calibrates what "too close to a training image" means on images of other patients.

    Args:
        holdout: (H, D) features of real images, none of a patient of the training set.
        train: (T, D) features of the training images.
        holdout_groups: Patient of each hold-out image; without it each is its own.
        quantile: Share of hold-out images below each of the two thresholds.

    Returns:
        The quantile of the hold-out images' distances to their nearest training image, and the
        quantile of the ratio of that distance to the nearest hold-out image of another group.

    Raises:
        SafetyError: Hold-out images that equal training images, so many that the threshold
            is 0.
        SynthmedError: Hold-out images of fewer than four groups.
    """
    distance, ratio = _holdout_distances(holdout, train, holdout_groups)
    return _thresholds(distance, ratio, quantile)


def copies(
    synthetic: Any,
    train: Any,
    holdout: Any,
    holdout_groups: Sequence[str] | None = None,
    quantile: float = 0.05,
) -> CopyResult:
    """Counts synthetic images that are copies of training images.

    A synthetic image is a copy if its nearest training image is closer than a low quantile of
    the hold-out images' distances, *and* the ratio of that distance to the distance of its
    nearest hold-out image is under the same quantile of the hold-out images' ratios. The
    second condition spares images that are close to everything because they are blurred or
    typical.

    Rule for unequal sizes: no training image is left out, since a copy of it would be missed.
    A hold-out set larger than the training set is cut to its size by whole groups, drawn with
    a fixed seed; with a smaller one the ratios are compared with those of real hold-out
    images, which stand between a training set and a hold-out set of the same unequal sizes.

    Args:
        synthetic: (N, D) features.
        train: (T, D) features of the images that the generator was trained on.
        holdout: (H, D) features of real images of other patients.
        holdout_groups: Patient of each hold-out image; without it each is its own.
        quantile: Share of hold-out images below each threshold, and so about the highest
            false-alarm rate.

    Returns:
        The rate of copies with its interval, the thresholds and the false-alarm rate.

    Raises:
        SafetyError: Hold-out images that equal training images.
        SynthmedError: Hold-out images of fewer than four groups, or widths that differ.
    """
    synthetic, train = as_features(synthetic, "synthetic"), as_features(train, "train")
    holdout, groups = _cut_holdout(as_features(holdout, "hold-out"), holdout_groups, len(train))
    calibration = _holdout_distances(holdout, train, groups)
    threshold, ratio_threshold = _thresholds(*calibration, quantile)
    to_train, match = nearest(synthetic, train, k=1)
    to_holdout, _ = nearest(synthetic, holdout, k=1)
    found = np.flatnonzero(
        (to_train[:, 0] < threshold) & (to_train[:, 0] < ratio_threshold * to_holdout[:, 0])
    )
    alarms = _false_alarms(*calibration, groups, quantile)
    return CopyResult(
        len(found) / len(synthetic),
        *wilson(len(found), len(synthetic)),
        n=len(synthetic),
        threshold=threshold,
        ratio_threshold=ratio_threshold,
        indices=tuple(found.tolist()),
        matches=tuple(match[found, 0].tolist()),
        false_alarm_rate=alarms / len(holdout),
        false_alarm_low=wilson(alarms, len(holdout))[0],
        false_alarm_high=wilson(alarms, len(holdout))[1],
        n_train=len(train),
        n_holdout=len(holdout),
    )


def _cut_holdout(
    holdout: Array, groups: Sequence[str] | None, most: int
) -> tuple[Array, NDArray[np.str_]]:
    """Whole groups in a fixed random order until ``most`` images are reached."""
    names = np.asarray(groups if groups is not None else np.arange(len(holdout))).astype(str)
    if len(names) != len(holdout):
        raise SynthmedError(f"{len(names)} groups for {len(holdout)} hold-out images")
    order = np.random.default_rng(0).permutation(np.unique(names))
    size = np.cumsum([(names == name).sum() for name in order])
    kept = np.isin(names, order[: max(4, int((size <= most).sum()))])
    return holdout[kept], names[kept]


def _holdout_distances(
    holdout: Any, train: Any, groups: Sequence[str] | NDArray[np.str_] | None
) -> tuple[Array, Array]:
    """Distance of each hold-out image to train, and its ratio to the nearest of another group."""
    holdout = as_features(holdout, "hold-out")
    names = np.asarray(groups if groups is not None else np.arange(len(holdout))).astype(str)
    unique, sizes = np.unique(names, return_counts=True)
    if len(unique) < 4:
        raise SynthmedError(
            f"hold-out images of {len(unique)} groups are too few to calibrate copies",
            mend="Hold out at least four groups, better fifty",
        )
    to_train, _ = nearest(holdout, train, k=1)
    distance, index = nearest(holdout, holdout, k=int(sizes.max()) + 1)
    other = names[index] != names[:, None]
    to_other = distance[np.arange(len(holdout)), other.argmax(axis=1)]
    return to_train[:, 0], to_train[:, 0] / np.maximum(to_other, np.finfo(float).tiny)


def _thresholds(distance: Array, ratio: Array, quantile: float) -> tuple[float, float]:
    thresholds = [float(np.quantile(x, quantile, method="inverted_cdf")) for x in (distance, ratio)]
    if thresholds[0] <= 0.0:
        raise SafetyError(
            f"{int((distance <= 0.0).sum())} hold-out images equal training images",
            mend="Split by patient and remove duplicates",
        )
    return thresholds[0], thresholds[1]


def _false_alarms(distance: Array, ratio: Array, groups: NDArray[np.str_], quantile: float) -> int:
    """Hold-out images called copies by thresholds that come from the other half's groups."""
    order = np.random.default_rng(0).permutation(np.unique(groups))
    half = np.isin(groups, order[: len(order) // 2])
    alarms = 0
    for judged in (half, ~half):
        limits = [
            np.quantile(x[~judged], quantile, method="inverted_cdf") for x in (distance, ratio)
        ]
        alarms += int(((distance < limits[0]) & (ratio < limits[1]))[judged].sum())
    return alarms
