"""A judge for few images: kernel ridge regression on groups of features.

The kernel is the mean over groups of features of `exp(-|x - y|² / (2 D))`, each feature scaled to
standard deviation 1 and clipped at 5; the two answers weigh the same in sum. Regression on -1 and
1 with a bias is the least-squares support vector machine (Suykens and Vandewalle 1999).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError

Array = npt.NDArray[np.float64]
Features = Mapping[str, Array]
CLIP = 5.0


@dataclass(frozen=True)
class KernelJudge:
    """A fitted judge.

    Attributes:
        known: Scaled features of the images that it was fitted on, by group.
        scales: Mean, standard deviation and mask of the columns that vary, by group.
        weights: (N,) weight of each of these images.
        bias: Added to every score.
    """

    known: dict[str, Array]
    scales: dict[str, tuple[Array, Array, npt.NDArray[np.bool_]]]
    weights: Array
    bias: float

    @classmethod
    def fit(cls, features: Features, labels: npt.NDArray[np.int64], ridge: float) -> KernelJudge:
        """Fit a judge.

        Args:
            features: (N, D) by group.
            labels: (N,) of 0 and 1.
            ridge: Strength of the regularisation.

        Raises:
            SynthmedError: Images of one answer only.
        """
        if len(np.unique(labels)) < 2:
            raise SynthmedError("a judge needs images of both answers")
        scales = {}
        for name, x in features.items():
            spread = x.std(axis=0)
            if (spread > 1e-5).any():
                scales[name] = (x.mean(axis=0), spread + 1e-6, spread > 1e-5)
        known = {name: _scaled(features[name], scales[name]) for name in scales}
        n, share = len(labels), np.where(labels == 1, labels.mean(), 1 - labels.mean())
        system = np.ones((n + 1, n + 1))
        system[:n, :n] = _kernel(known, known) + ridge * np.diag(2 * share)
        system[n, n] = 0
        solved = np.linalg.solve(system, np.append(2.0 * labels - 1, 0.0))
        return cls(known, scales, solved[:n], float(solved[n]))

    def scores(self, features: Features) -> Array:
        """(M,) scores, high for positive, of features (M, D) by group."""
        scaled = {name: _scaled(features[name], scale) for name, scale in self.scales.items()}
        return np.asarray(_kernel(scaled, self.known) @ self.weights + self.bias)

    def embedded(self, features: Features) -> Array:
        """(M, D) scaled features side by side; every group has the same weight."""
        parts = [_scaled(features[name], scale) for name, scale in self.scales.items()]
        width = sum(part.shape[1] for part in parts) / len(parts)
        return np.concatenate([part * np.sqrt(width / part.shape[1]) for part in parts], axis=1)


@dataclass(frozen=True)
class CrossFitted:
    """Judges that were each fitted without one fold of patients.

    Attributes:
        judges: One a fold.
        fold: (N,) fold of each image.
    """

    judges: tuple[KernelJudge, ...]
    fold: npt.NDArray[np.int64]

    @classmethod
    def fit(
        cls,
        features: Features,
        labels: npt.NDArray[np.int64],
        groups: Sequence[str],
        *,
        folds: int,
        ridge: float,
    ) -> CrossFitted:
        """Fit judges on all but one fold of patients, for each fold.

        Patients are dealt by their share of positive images, so that folds hold both answers.

        Args:
            features: (N, D) by group of features.
            labels: (N,) of 0 and 1.
            groups: Patient of each image.
            folds: Number of folds; fewer if there are fewer patients.
            ridge: Strength of the regularisation.

        Raises:
            SynthmedError: An answer that occurs in one fold only.
        """
        names, code = np.unique(np.asarray(groups), return_inverse=True)
        share = np.bincount(code, labels) / np.bincount(code)
        order = np.random.default_rng(0).permutation(len(names))
        order = order[np.argsort(share[order], kind="stable")]
        folds = min(folds, len(names))
        dealt = np.empty(len(names), np.int64)
        dealt[order] = np.arange(len(names)) % folds
        fold = dealt[code]
        rest = [fold != j for j in range(folds)]
        judges = [KernelJudge.fit(select(features, r), labels[r], ridge) for r in rest]
        return cls(tuple(judges), fold)

    def held_out(self, features: Features) -> Array:
        """(N,) scores of the images, or of edits of them, by judges without their patients."""
        scores = np.empty(len(self.fold))
        for j, judge in enumerate(self.judges):
            scores[self.fold == j] = judge.scores(select(features, self.fold == j))
        return scores

    def scores(self, features: Features) -> Array:
        """(M,) mean score of all judges, for images of no patient."""
        return np.mean([judge.scores(features) for judge in self.judges], axis=0)


def select(features: Features, rows: npt.NDArray[np.bool_]) -> dict[str, Array]:
    """The features of some images."""
    return {name: x[rows] for name, x in features.items()}


def _scaled(x: Array, scale: tuple[Array, Array, npt.NDArray[np.bool_]]) -> Array:
    mean, spread, varies = scale
    return np.asarray(np.clip(((x - mean) / spread)[:, varies], -CLIP, CLIP))


def _kernel(a: Mapping[str, Array], b: Mapping[str, Array]) -> Array:
    """(N, M) mean over groups of Gaussian kernels."""
    total = np.zeros((len(next(iter(a.values()))), len(next(iter(b.values())))))
    for name, x in a.items():
        y = b[name]
        square = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
        total += np.exp(-np.maximum(square, 0) / (2 * x.shape[1]))
    return total / len(a)
