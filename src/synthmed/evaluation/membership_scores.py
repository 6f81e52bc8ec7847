"""Who is called a member of the training set, from scores: fairly chosen, fairly judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.privacy_searches import LEAST_GROUPS
from synthmed.evaluation.sides import Side

Array = npt.NDArray[np.float64]
_FOLDS = 5


def cross_fitted_calls(
    truth: npt.NDArray[Any], scores: Array, groups: Sequence[str] | npt.NDArray[Any], seed: int
) -> Array:
    """Call images members or not, each by a threshold from other patients.

    The largest difference of both rates over all thresholds (Yeom et al. 2018; the Youden index)
    is never below 0, and above it by chance; a threshold from one part of the patients has no
    such bias on the others.

    Args:
        truth: (N,) 1 for training images, 0 for others.
        scores: (N,) high for members.
        groups: (N,) patients.
        seed: Seeds the folds.

    Returns:
        (N,) 1 where an image is called a member, else 0.
    """
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    folds = np.random.default_rng(seed).permutation(len(names)) % min(_FOLDS, len(names))
    calls = np.zeros(len(scores))
    for fold in range(int(folds.max()) + 1):
        judged = folds[codes] == fold
        limit = _best_threshold(truth[~judged], scores[~judged])
        calls[judged] = scores[judged] >= limit
    return calls


def _best_threshold(truth: npt.NDArray[Any], scores: Array) -> float:
    """The score from which on calling images members gains most."""
    values = np.unique(scores)
    members, others = np.sort(scores[truth == 1]), np.sort(scores[truth == 0])
    if not len(members) or not len(others):
        return float("inf")
    tpr = 1.0 - np.searchsorted(members, values) / len(members)
    fpr = 1.0 - np.searchsorted(others, values) / len(others)
    return float(values[(tpr - fpr).argmax()])


def gain(truth: npt.NDArray[Any], calls: npt.NDArray[Any]) -> float:
    """Share of members called so, less that of others; not-a-number without either."""
    if not (truth == 1).any() or not (truth == 0).any():
        return float("nan")
    return float(calls[truth == 1].mean() - calls[truth == 0].mean())


def standardised(scores: Array, kinds: npt.NDArray[Any]) -> Array:
    """Scores (N,) with mean 0 and standard deviation 1 within each type (N,)."""
    out = np.empty_like(scores)
    for kind in np.unique(kinds):
        here = kinds == kind
        out[here] = (scores[here] - scores[here].mean()) / max(float(scores[here].std()), 1e-12)
    return out


def balanced(
    train: Side, holdout: Side, n: int, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Choose rows of both sides: the same types in equal numbers.

    Args:
        train: Training images.
        holdout: Hold-out images.
        n: Images a side at most.
        seed: Seeds the order of patients.

    Raises:
        SynthmedError: No type with images of at least four patients on both sides.
    """
    pairs = []
    for kind in sorted(set(train.kinds.tolist()) & set(holdout.kinds.tolist())):
        here, there = np.flatnonzero(train.kinds == kind), np.flatnonzero(holdout.kinds == kind)
        if min(len(set(train.groups[here])), len(set(holdout.groups[there]))) >= LEAST_GROUPS:
            pairs.append((here, there))
    if not pairs:
        raise SynthmedError(
            f"no type with training and hold-out images of {LEAST_GROUPS} patients each"
        )
    smaller = np.asarray([min(len(here), len(there)) for here, there in pairs])
    quota = np.maximum(1, np.floor(smaller * min(1.0, n / smaller.sum()))).astype(int)
    chosen: tuple[list[Any], list[Any]] = ([], [])
    for (here, there), most in zip(pairs, quota, strict=True):
        chosen[0].append(_some(here, train.groups[here], int(most), seed))
        chosen[1].append(_some(there, holdout.groups[there], int(most), seed))
    return np.concatenate(chosen[0]), np.concatenate(chosen[1])


def _some(
    rows: npt.NDArray[np.int64], groups: npt.NDArray[Any], most: int, seed: int
) -> npt.NDArray[np.int64]:
    """Rows of as many patients as possible: one of each, then a second one, up to a number."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    _, codes = np.unique(groups[order], return_inverse=True)
    by_group = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[by_group], codes[by_group])
    turn = np.empty(len(rows), np.int64)
    turn[by_group] = np.arange(len(rows)) - starts
    return np.sort(rows[order[np.argsort(turn, kind="stable")[:most]]])
