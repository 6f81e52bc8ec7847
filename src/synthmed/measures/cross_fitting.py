"""Judges that never see the patients whom they judge: fitted without one fold of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array

Features = Mapping[str, Array]
"""(N, D) features by group of features; a group is what belongs together, such as a histogram."""


class Judge(Protocol):
    """Gives a score to each image."""

    def scores(self, features: Features) -> Array:
        """(M,) scores of images with features (M, D) by group."""
        ...


Fit = Callable[[Features, NDArray[Any], Sequence[str]], Judge]
"""(features, answers (N,), groups (N,)) -> a judge."""


@dataclass(frozen=True)
class CrossFitted:
    """Judges that were each fitted without one fold of patients.

    Attributes:
        judges: One a fold.
        fold: (N,) fold of each image.
    """

    judges: tuple[Judge, ...]
    fold: NDArray[np.int64]

    def held_out(self, features: Features) -> Array:
        """(N,) scores of the images, or of edits of them, by judges without their patients."""
        scores = np.empty(len(self.fold))
        for j, judge in enumerate(self.judges):
            scores[self.fold == j] = judge.scores(select(features, self.fold == j))
        return scores

    def scores(self, features: Features) -> Array:
        """(M,) mean score of all judges, for images of no patient."""
        return np.asarray(np.mean([judge.scores(features) for judge in self.judges], axis=0))


def cross_fit(
    fit: Fit, features: Features, answers: NDArray[Any], groups: Sequence[str], folds: int
) -> CrossFitted:
    """Fit judges on all but one fold of patients, for each fold.

    Args:
        fit: Fits one judge.
        features: (N, D) by group of features.
        answers: (N,) of 0 and 1, or numbers.
        groups: Patient of each image.
        folds: Number of folds; fewer if there are fewer patients.

    Raises:
        SynthmedError: Fewer than two patients, or an answer that occurs in one fold only.
    """
    answers, names = np.asarray(answers), np.asarray(groups).astype(str)
    fold = deal_folds(answers, names, folds)
    judges = []
    for j in range(int(fold.max()) + 1):
        rest = fold != j
        judges.append(fit(select(features, rest), answers[rest], names[rest].tolist()))
    return CrossFitted(tuple(judges), fold)


def deal_folds(
    answers: NDArray[Any], groups: Sequence[str] | NDArray[Any], folds: int, seed: int = 0
) -> NDArray[np.int64]:
    """Deal patients to folds by their mean answer, so that all folds hold all answers.

    Args:
        answers: (N,) of 0 and 1, or numbers.
        groups: Patient of each image.
        folds: Number of folds; fewer if there are fewer patients.
        seed: Seeds the order of patients of equal answers.

    Returns:
        (N,) fold of each image, from 0.

    Raises:
        SynthmedError: Fewer than two patients, or lengths that differ.
    """
    if len(groups) != len(answers):
        raise SynthmedError(f"{len(groups)} groups for {len(answers)} answers")
    names, code = np.unique(np.asarray(groups), return_inverse=True)
    folds = min(folds, len(names))
    if folds < 2:
        raise SynthmedError(f"{len(names)} patients cannot be dealt to folds")
    share = np.bincount(code, answers) / np.bincount(code)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(share[order], kind="stable")]
    dealt = np.empty(len(names), np.int64)
    dealt[order] = np.arange(len(names)) % folds
    return dealt[code]


def select(features: Features, rows: NDArray[Any]) -> dict[str, Array]:
    """The features of some images (a mask, or their numbers)."""
    return {name: x[rows] for name, x in features.items()}


def joined(features: Features) -> Array:
    """(N, D) all groups of features side by side, in the order of their names."""
    return np.concatenate([features[name] for name in sorted(features)], axis=1)
