"""A linear probe: logistic regression on scaled features, its strength chosen within patients."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.cross_fitting import Features, deal_folds, joined

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Tried values of C, the inverse of the penalty on squared weights."""
CLIP = 5.0
FOLDS = 3
_ROUNDS = 500


@dataclass(frozen=True)
class LinearProbe:
    """A fitted probe.

    Attributes:
        mean: (D,) of the features, all groups side by side in the order of their names.
        spread: (D,) standard deviation, 1 where a feature does not vary.
        weights: (D,) of the scaled features.
        bias: Added to every score.
        strength: The chosen C.
    """

    mean: Array
    spread: Array
    weights: Array
    bias: float
    strength: float

    @classmethod
    def fit(
        cls,
        features: Features,
        labels: NDArray[Any],
        groups: Sequence[str],
        strengths: Sequence[float] = STRENGTHS,
    ) -> LinearProbe:
        """Fit a probe; the two answers weigh the same in sum.

        The strength is the one with the least logarithmic loss over 3 folds of patients within
        these images.

        Args:
            features: (N, D) by group of features.
            labels: (N,) of 0 and 1.
            groups: Patient of each image.
            strengths: Values of C to choose from.

        Raises:
            SynthmedError: Images of one answer only.
        """
        labels = np.asarray(labels).astype(np.int64)
        if len(np.unique(labels)) < 2:
            raise SynthmedError("a probe needs images of both answers")
        values = joined(features)
        mean, spread = scale_of(values)
        x = scaled(values, mean, spread)
        strength = _chosen(x, labels, groups, strengths)
        model = _fitted(x, labels, strength)
        return cls(mean, spread, model.coef_[0], float(model.intercept_[0]), strength)

    def scores(self, features: Features) -> Array:
        """(M,) log-odds of answer 1 of features (M, D) by group."""
        x = scaled(joined(features), self.mean, self.spread)
        return np.asarray(x @ self.weights + self.bias)


def scale_of(values: Array) -> tuple[Array, Array]:
    """(D,) mean and (D,) standard deviation of features (N, D); 1 where one does not vary."""
    spread = values.std(axis=0)
    return values.mean(axis=0), np.where(spread > 1e-6, spread, 1.0)


def scaled(values: Array, mean: Array, spread: Array) -> Array:
    """Features (N, D) in standard deviations from the mean, clipped at 5."""
    return np.asarray(np.clip((values - mean) / spread, -CLIP, CLIP))


def _chosen(
    x: Array, labels: NDArray[Any], groups: Sequence[str], strengths: Sequence[float]
) -> float:
    """The strength with the least mean loss on held-out folds of patients."""
    if len(strengths) == 1:
        return strengths[0]
    fold = deal_folds(labels, groups, FOLDS)
    losses = np.full((FOLDS, len(strengths)), np.nan)
    for j in range(int(fold.max()) + 1):
        rest = fold != j
        if len(np.unique(labels[rest])) == 2 and len(np.unique(labels[~rest])) == 2:
            for i, strength in enumerate(strengths):
                model = _fitted(x[rest], labels[rest], strength)
                losses[j, i] = _loss(labels[~rest], model.decision_function(x[~rest]))
    usable = losses[np.isfinite(losses).all(axis=1)]
    if not len(usable):  # too few patients to choose: the middle one
        return sorted(strengths)[len(strengths) // 2]
    return strengths[int(usable.mean(axis=0).argmin())]


def _loss(labels: NDArray[Any], odds: Array) -> float:
    """Mean logarithmic loss of log-odds; the two answers weigh the same in sum."""
    each = np.logaddexp(0.0, np.where(labels == 1, -odds, odds))
    return float((each[labels == 1].mean() + each[labels == 0].mean()) / 2)


def _fitted(x: Array, labels: NDArray[Any], strength: float) -> LogisticRegression:
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=_ROUNDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, labels)
