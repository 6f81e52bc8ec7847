"""Kernel judges and cross-fitting."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.agreement import auroc
from synthmed.measures.cross_fitting import cross_fit, deal_folds
from synthmed.measures.kernel_judge import KernelJudge


def fit(features, labels, _):
    return KernelJudge.fit(features, labels, 0.1)


def test_cross_fitted_judges_have_not_seen_the_patients_they_judge() -> None:
    draw = np.random.default_rng(0)
    patients = np.arange(60).repeat(4)
    labels = draw.integers(0, 2, 60)[patients]  # no feature tells the answer, but each its patient
    features = {"who": draw.normal(size=(60, 20))[patients] + 0.01 * draw.normal(size=(240, 20))}
    seen = KernelJudge.fit(features, labels, 0.1)
    crossed = cross_fit(fit, features, labels, patients.astype(str).tolist(), 5)
    assert auroc(labels, seen.scores(features)) > 0.99
    assert auroc(labels, crossed.held_out(features)) < 0.65
    by_image = cross_fit(fit, features, labels, [str(i) for i in range(240)], 5)
    assert auroc(labels, by_image.held_out(features)) > 0.9  # what groups are there for


def test_it_learns_what_no_single_feature_tells() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(600, 2))
    labels = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    judge = KernelJudge.fit({"x": x[:300]}, labels[:300])
    assert auroc(labels[300:], judge.scores({"x": x[300:]})) > 0.95


def test_rare_answers_weigh_as_much_as_frequent_ones() -> None:
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1], [190, 10])
    x = draw.normal(size=(200, 3)) + 1.5 * labels[:, None]
    scores = KernelJudge.fit({"x": x}, labels, 1.0).scores({"x": x})
    assert (scores[labels == 1] > 0).mean() > 0.8
    assert (scores[labels == 0] < 0).mean() > 0.8


def test_scores_do_not_depend_on_the_batch() -> None:
    draw = np.random.default_rng(0)
    x = {"x": draw.normal(size=(5000, 3))}
    judge = KernelJudge.fit({"x": x["x"][:50]}, (x["x"][:50, 0] > 0).astype(int))
    assert np.allclose(judge.scores(x)[4990:], judge.scores({"x": x["x"][4990:]}))


def test_one_answer_or_equal_images_are_refused() -> None:
    x = {"x": np.random.default_rng(0).normal(size=(6, 2))}
    with pytest.raises(SynthmedError, match="both answers"):
        KernelJudge.fit(x, np.ones(6, np.int64))
    with pytest.raises(SynthmedError, match="same features"):
        KernelJudge.fit({"x": np.zeros((6, 2))}, np.arange(6) % 2)


def test_folds_keep_patients_whole_and_hold_both_answers() -> None:
    groups = np.repeat([f"p{i}" for i in range(30)], 3)
    labels = np.repeat(np.arange(30) % 3 == 0, 3).astype(int)
    fold = deal_folds(labels, groups, 5)
    for name in np.unique(groups):
        assert len(set(fold[groups == name])) == 1
    assert all(set(labels[fold == j]) == {0, 1} for j in range(5))
    assert (deal_folds(labels, groups, 5, seed=1) != fold).any()
    assert deal_folds(labels[:6], groups[:6], 5).max() == 1  # two patients, two folds
    with pytest.raises(SynthmedError, match="cannot be dealt"):
        deal_folds(labels[:3], groups[:3], 5)
    with pytest.raises(SynthmedError, match="groups for"):
        deal_folds(labels, groups[:5], 5)
