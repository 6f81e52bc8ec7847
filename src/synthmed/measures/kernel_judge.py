"""A judge for few images: kernel ridge regression on groups of features.

The kernel is the mean over groups of features of `exp(-|x - y|² / (2 D))`, each feature scaled to
standard deviation 1 and clipped at 5; the two answers weigh the same in sum. Regression on -1 and
1 with a bias is the least-squares support vector machine (Suykens and Vandewalle 1999).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.cross_fitting import Features

CLIP = 5.0
RIDGE = 0.3
_BLOCK = 2048

Scale = tuple[Array, Array, NDArray[np.bool_]]


@dataclass(frozen=True)
class KernelJudge:
    """A fitted judge; it holds the features of the images that it was fitted on.

    Attributes:
        known: Scaled features of the images that it was fitted on, by group.
        scales: Mean, standard deviation and mask of the columns that vary, by group.
        weights: (N,) weight of each of these images.
        bias: Added to every score.
    """

    known: dict[str, Array]
    scales: dict[str, Scale]
    weights: Array
    bias: float

    @classmethod
    def fit(cls, features: Features, labels: NDArray[Any], ridge: float = RIDGE) -> KernelJudge:
        """Fit a judge; memory and time grow with N² and N³, so a few thousand images at most.

        Args:
            features: (N, D) by group.
            labels: (N,) of 0 and 1.
            ridge: Strength of the regularisation.

        Raises:
            SynthmedError: Images of one answer only, or features that are the same for all.
        """
        labels = np.asarray(labels).astype(np.int64)
        if len(np.unique(labels)) < 2:
            raise SynthmedError("a judge needs images of both answers")
        scales: dict[str, Scale] = {}
        for name, x in features.items():
            spread = x.std(axis=0)
            if (spread > 1e-5).any():
                scales[name] = (x.mean(axis=0), spread + 1e-6, spread > 1e-5)
        if not scales:
            raise SynthmedError("all images have the same features: a judge cannot learn from them")
        known = {name: _scaled(features[name], scales[name]) for name in scales}
        n, share = len(labels), np.where(labels == 1, labels.mean(), 1 - labels.mean())
        system = np.ones((n + 1, n + 1))
        system[:n, :n] = _kernel(known, known) + ridge * np.diag(2 * share)
        system[n, n] = 0
        solved = np.linalg.solve(system, np.append(2.0 * labels - 1, 0.0))
        return cls(known, scales, solved[:n], float(solved[n]))

    def scores(self, features: Features) -> Array:
        """(M,) scores, high for positive, of features (M, D) by group."""
        m = len(next(iter(features.values())))
        scores = np.empty(m)
        for start in range(0, m, _BLOCK):
            rows = slice(start, start + _BLOCK)
            scaled = {name: _scaled(features[name][rows], s) for name, s in self.scales.items()}
            scores[rows] = _kernel(scaled, self.known) @ self.weights + self.bias
        return scores

    def embedded(self, features: Features) -> Array:
        """(M, D) scaled features side by side; every group has the same weight."""
        parts = [_scaled(features[name], scale) for name, scale in self.scales.items()]
        width = sum(part.shape[1] for part in parts) / len(parts)
        return np.concatenate([part * np.sqrt(width / part.shape[1]) for part in parts], axis=1)


def _scaled(x: Array, scale: Scale) -> Array:
    mean, spread, varies = scale
    return np.asarray(np.clip(((x - mean) / spread)[:, varies], -CLIP, CLIP))


def _kernel(a: Mapping[str, Array], b: Mapping[str, Array]) -> Array:
    """(N, M) mean over groups of Gaussian kernels."""
    total = np.zeros((len(next(iter(a.values()))), len(next(iter(b.values())))))
    for name, x in a.items():
        y = b[name]
        square = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
        total += np.exp(-np.maximum(square, 0) / (2 * x.shape[1]))
    return np.asarray(total / len(a))
