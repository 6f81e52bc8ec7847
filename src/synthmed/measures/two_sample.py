"""The classifier two-sample test: can a classifier tell two sets of images apart?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from synthmed.errors import SynthmedError
from synthmed.measures.agreement import auroc
from synthmed.measures.arrays import Array
from synthmed.measures.cross_fitting import Features, Fit, Judge, deal_folds, select
from synthmed.measures.intervals import bootstrap_groups


@dataclass(frozen=True)
class TwoSample:
    """What the test found.

    Attributes:
        auroc: On the half that the classifier was not trained on; 0.5: not told apart.
        low: Lower end of its 95 % interval, over groups of that half.
        high: Upper end.
        p: Permutation p value of "the two sets are alike", one-sided.
        test: (N,) whether an image was in that half.
        judge: The classifier, trained on the other half.
    """

    auroc: float
    low: float
    high: float
    p: float
    test: NDArray[np.bool_]
    judge: Judge


def two_sample_test(
    features: Features,
    labels: NDArray[Any],
    groups: Sequence[str],
    fit: Fit,
    *,
    seed: int = 0,
    bootstraps: int = 1000,
    permutations: int = 1000,
) -> TwoSample:
    """Train on one half of the groups, test on the other (Lopez-Paz and Oquab 2017; with AUROC).

    Interval and p value are of the trained classifier, and hold because it has not seen the
    half that it is tested on. For the p value labels are permuted among the groups of that half.

    Args:
        features: (N, D) by group of features.
        labels: (N,) 0 for one set, 1 for the other.
        groups: (N,) group of each image; one that occurs in both sets stays in one half.
        fit: Trains the classifier.
        seed: Seeds halves, bootstrap and permutations.
        bootstraps: Draws of the bootstrap.
        permutations: Number of permutations.

    Raises:
        SynthmedError: A half without images of both sets.
    """
    truth, names = np.asarray(labels).astype(np.int64), np.asarray(groups).astype(str)
    test = deal_folds(truth, names, 2, seed) == 1
    if any(len(np.unique(truth[half])) < 2 for half in (test, ~test)):
        raise SynthmedError("a half holds images of one set only: too few groups")
    judge = fit(select(features, ~test), truth[~test], names[~test].tolist())
    scores = judge.scores(select(features, test))
    answers, members = truth[test], names[test]
    low, high = bootstrap_groups(auroc, [answers, scores], members, bootstraps, seed)
    p = permutation_p(answers, scores, members, permutations, seed)
    return TwoSample(auroc(answers, scores), low, high, p, test, judge)


def permutation_p(
    labels: NDArray[Any],
    scores: Array,
    groups: Sequence[str] | NDArray[Any],
    permutations: int = 1000,
    seed: int = 0,
) -> float:
    """One-sided p value of an AUROC: labels are permuted among groups, never within one.

    Args:
        labels: (N,) of 0 and 1. A group that has both counts as two.
        scores: (N,) high for label 1.
        groups: (N,) group of each image.
        permutations: Number of permutations.
        seed: Seeds them.

    Returns:
        (1 + those that reach the AUROC) / (1 + all) (Phipson and Smyth 2010).
    """
    truth = np.asarray(labels).astype(np.int64)
    unit_names = [f"{label} {group}" for label, group in zip(truth, groups, strict=True)]
    _, first, unit = np.unique(unit_names, return_index=True, return_inverse=True)
    answer, size = truth[first], np.bincount(unit)
    ranks = np.bincount(unit, weights=rankdata(scores))
    rng = np.random.default_rng(seed)
    drawn = np.stack([answer, *(rng.permutation(answer) for _ in range(permutations))])
    n, total = drawn @ size, drawn @ ranks
    areas = (total - n * (n + 1) / 2) / (n * (len(truth) - n))
    return float((1 + (areas[1:] >= areas[0] - 1e-12).sum()) / (1 + permutations))
