"""Ridge regression of a number, such as age, on features; its strength chosen within patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.cross_fitting import Features, deal_folds, joined
from synthmed.measures.linear_probe import scale_of, scaled

STRENGTHS = tuple(float(10.0**power) for power in np.linspace(-2, 3, 11))
"""Tried penalties on squared weights, for one image; features are scaled."""
FOLDS = 5


@dataclass(frozen=True)
class RidgeRegression:
    """A fitted regression.

    Attributes:
        mean: (D,) of the features, all groups side by side in the order of their names.
        spread: (D,) standard deviation, 1 where a feature does not vary.
        weights: (D,) of the scaled features.
        bias: Mean of the values.
        strength: The chosen penalty.
    """

    mean: Array
    spread: Array
    weights: Array
    bias: float
    strength: float

    @classmethod
    def fit(
        cls, features: Features, values: NDArray[Any], groups: Sequence[str]
    ) -> RidgeRegression:
        """Fit a regression (Hoerl and Kennard 1970).

        The penalty is the one with the least squared error over 5 folds of patients within these
        images.

        Args:
            features: (N, D) by group of features.
            values: (N,) numbers to predict.
            groups: Patient of each image.

        Raises:
            SynthmedError: Values that do not vary, or fewer than two patients.
        """
        y = np.asarray(values, dtype=np.float64)
        if not np.isfinite(y).all() or y.std() == 0:
            raise SynthmedError("a regression needs finite values that vary")
        table = joined(features)
        mean, spread = scale_of(table)
        x = scaled(table, mean, spread)
        fold, errors = deal_folds(y, groups, FOLDS), np.zeros(len(STRENGTHS))
        for j in range(int(fold.max()) + 1):
            rest = fold != j
            weights = _weights(x[rest], y[rest] - y[rest].mean())
            predicted = x[~rest] @ weights.T + y[rest].mean()
            errors += ((predicted - y[~rest, None]) ** 2).sum(axis=0)
        best = int(errors.argmin())
        return cls(mean, spread, _weights(x, y - y.mean())[best], float(y.mean()), STRENGTHS[best])

    def scores(self, features: Features) -> Array:
        """(M,) predicted values of features (M, D) by group."""
        x = scaled(joined(features), self.mean, self.spread)
        return np.asarray(x @ self.weights + self.bias)


def correlation(a: Any, b: Any) -> float:
    """Pearson's correlation of two rows of numbers (N,); not-a-number where one does not vary."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise SynthmedError(f"numbers of shapes {x.shape} and {y.shape} cannot be correlated")
    if len(x) < 2 or x.std() < 1e-12 or y.std() < 1e-12:
        return float("nan")
    return float(((x - x.mean()) * (y - y.mean())).mean() / (x.std() * y.std()))


def absolute_error(a: Any, b: Any) -> float:
    """Mean absolute difference of two rows of numbers (N,), in their unit."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape or x.size == 0:
        raise SynthmedError(f"numbers of shapes {x.shape} and {y.shape} cannot be compared")
    return float(np.abs(x - y).mean())


def _weights(x: Array, y: Array) -> Array:
    """(S, D) weights for each strength, by the smaller of the two Gram matrices."""
    penalty = len(x) * np.asarray(STRENGTHS)
    if len(x) <= x.shape[1]:
        values, vectors = np.linalg.eigh(x @ x.T)
        duals = vectors @ ((vectors.T @ y)[:, None] / (values[:, None] + penalty))
        return np.asarray(duals.T @ x)
    values, vectors = np.linalg.eigh(x.T @ x)
    return np.asarray(
        (vectors @ ((vectors.T @ (x.T @ y))[:, None] / (values[:, None] + penalty))).T
    )
