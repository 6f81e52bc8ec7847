"""How well probabilities of classes agree with labels, for many weightings of the rows at once.

A bootstrap weighs each row by how often its patient was drawn. Sorting the scores once and
summing weights along the order gives all draws together. Definitions are scikit-learn's
(``roc_auc_score``, ``average_precision_score``, ``balanced_accuracy_score`` with sample weights).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError

Array = NDArray[np.float64]
_CELLS = 2_000_000  # weights that are held at a time


def score(name: str, labels: Any, probabilities: Any, weights: Any = None) -> Array:
    """A score of ``SCORES``, once for each weighting of the rows.

    Args:
        name: "auroc", "average_precision", "accuracy" or "balanced_accuracy".
        labels: (N,) integers from 0 to K - 1.
        probabilities: (N, K) finite numbers, high for a likely class.
        weights: (B, N) weights of 0 or more; None is one weighting with all weights 1.

    Returns:
        (B,) float64; not-a-number where a class of the labels has no weight (accuracy: where no
        row has weight). AUROC and average precision are of the second class if K is 2, else the
        mean over the classes that occur in the labels, each against all others; balanced accuracy
        is the mean recall of the classes that occur.

    Raises:
        SynthmedError: An unknown score, shapes that do not fit, labels out of range, or values
            that are not finite.
    """
    if name not in SCORES:
        raise SynthmedError(f"unknown score {name!r}", mend=f"Known: {', '.join(SCORES)}.")
    y, p = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    w = np.ones((1, len(y))) if weights is None else np.asarray(weights, dtype=np.float64)
    if p.ndim != 2 or y.shape != p.shape[:1] or w.ndim != 2 or w.shape[1] != len(y):
        raise SynthmedError(
            f"labels {y.shape}, probabilities {p.shape} and weights {w.shape} do not fit"
        )
    if len(y) and not (np.issubdtype(y.dtype, np.integer) and 0 <= y.min() <= y.max() < p.shape[1]):
        raise SynthmedError(f"labels must be integers from 0 to {p.shape[1] - 1}")
    if not (np.isfinite(p).all() and np.isfinite(w).all() and (w >= 0).all()):
        raise SynthmedError("probabilities and weights must be finite, weights at least 0")
    if not len(y):
        return np.full(len(w), np.nan)
    block = max(1, _CELLS // len(y))
    parts = [SCORES[name](y, p, w[i : i + block]) for i in range(0, len(w), block)]
    return np.concatenate(parts)


def macro_auroc(y: NDArray[Any], p: Array, w: Array) -> Array:
    """AUROC, ties counting one half; see ``score``."""
    return _macro(y, p, w, _area)


def macro_average_precision(y: NDArray[Any], p: Array, w: Array) -> Array:
    """Average precision, the step-wise area under precision against recall; see ``score``."""
    return _macro(y, p, w, _precision)


def accuracy(y: NDArray[Any], p: Array, w: Array) -> Array:
    """Share of rows whose likeliest class is theirs (the first of equal ones)."""
    return _ratio(w @ (p.argmax(axis=1) == y), w.sum(axis=1))


def balanced_accuracy(y: NDArray[Any], p: Array, w: Array) -> Array:
    """Mean over classes of the share of their rows that are found."""
    hit = p.argmax(axis=1) == y
    recalls = [_ratio(w @ (hit & (y == k)), w @ (y == k)) for k in np.unique(y)]
    return np.asarray(np.mean(recalls, axis=0))


SCORES: dict[str, Callable[[NDArray[Any], Array, Array], Array]] = {
    "auroc": macro_auroc,
    "average_precision": macro_average_precision,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
}
"""All take labels (N,), probabilities (N, K) and weights (B, N), and give (B,)."""


def _macro(
    y: NDArray[Any], p: Array, w: Array, binary: Callable[[NDArray[Any], Array, Array], Array]
) -> Array:
    classes = [1] if p.shape[1] == 2 else np.unique(y).tolist()
    return np.asarray(np.mean([binary(y == k, p[:, k], w) for k in classes], axis=0))


def _area(yes: NDArray[Any], s: Array, w: Array) -> Array:
    """Mann-Whitney U over all pairs."""
    hits, misses = _by_score(yes, s, w)
    below = misses.cumsum(axis=1) - misses
    pairs = hits.sum(axis=1) * misses.sum(axis=1)
    return _ratio((hits * (below + misses / 2)).sum(axis=1), pairs)


def _precision(yes: NDArray[Any], s: Array, w: Array) -> Array:
    """Sum over thresholds of the gain in recall times the precision there."""
    hits, misses = (x[:, ::-1] for x in _by_score(yes, s, w))
    found = hits.cumsum(axis=1)
    called = found + misses.cumsum(axis=1)
    precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    return _ratio((hits * precision).sum(axis=1), hits.sum(axis=1))


def _by_score(yes: NDArray[Any], s: Array, w: Array) -> tuple[Array, Array]:
    """Weight of the positive and of the negative rows at each distinct score, ascending."""
    order = np.argsort(s, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(s[order]) > 0])
    sides = (w[:, order] * side[order] for side in (yes, ~yes))
    hits, misses = (np.add.reduceat(side, starts, axis=1) for side in sides)
    return np.asarray(hits), np.asarray(misses)


def _ratio(a: Array, b: Array) -> Array:
    """Give a / b; not-a-number where b is 0."""
    return np.divide(a, b, out=np.full(len(b), np.nan), where=b > 0)
