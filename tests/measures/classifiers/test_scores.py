"""Scores of classes beside scikit-learn's, weighted and with ties."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from synthmed.errors import SynthmedError
from synthmed.measures.agreement import auroc
from synthmed.measures.classifiers.scores import SCORES, score


def made(classes: int, seed: int = 0, n: int = 60):
    draw = np.random.default_rng(seed)
    labels = draw.integers(classes, size=n)
    logits = draw.normal(0, 1, (n, classes)) + np.eye(classes)[labels]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, np.round(p, 1), draw.integers(0, 3, (5, n)).astype(float)  # many ties


def reference(name, y, p, w):
    k = p.shape[1]
    columns = [1] if k == 2 else range(k)
    if name == "auroc":
        return np.mean([metrics.roc_auc_score(y == c, p[:, c], sample_weight=w) for c in columns])
    if name == "average_precision":
        parts = [metrics.average_precision_score(y == c, p[:, c], sample_weight=w) for c in columns]
        return np.mean(parts)
    if name == "accuracy":
        return metrics.accuracy_score(y, p.argmax(1), sample_weight=w)
    return metrics.balanced_accuracy_score(y, p.argmax(1), sample_weight=w)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("classes", [2, 4])
def test_equal_to_scikit_learn(name: str, classes: int) -> None:
    y, p, weights = made(classes)
    found = score(name, y, p, weights)
    assert found == pytest.approx([reference(name, y, p, w) for w in weights], abs=1e-12)
    assert score(name, y, p) == pytest.approx([reference(name, y, p, None)], abs=1e-12)


@pytest.mark.parametrize("name", SCORES)
def test_a_weight_is_a_repetition(name: str) -> None:
    y, p, weights = made(3, seed=1)
    rows = np.repeat(np.arange(len(y)), weights[0].astype(int))
    assert score(name, y, p, weights[:1]) == pytest.approx(score(name, y[rows], p[rows]))


def test_two_classes_agree_with_the_area_of_the_house() -> None:
    y, p, _ = made(2, seed=2)
    assert score("auroc", y, p)[0] == pytest.approx(auroc(y, p[:, 1]))


def test_known_answers() -> None:
    y = np.array([0, 0, 1, 1])
    perfect, wrong, same = (np.eye(2)[s] for s in ([0, 0, 1, 1], [1, 1, 0, 0], [1] * 4))
    for name in ("auroc", "average_precision", "accuracy", "balanced_accuracy"):
        assert score(name, y, perfect)[0] == 1.0
    assert score("auroc", y, wrong)[0] == 0.0
    assert score("auroc", y, same)[0] == 0.5
    assert score("average_precision", y, same)[0] == 0.5


def test_a_class_without_weight_is_undefined_not_zero() -> None:
    y, p = np.array([0, 1, 2, 2]), np.eye(3)[[0, 1, 2, 2]]
    weights = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
    for name in ("auroc", "average_precision", "balanced_accuracy"):
        assert np.isnan(score(name, y, p, weights)[0])
        assert score(name, y, p, weights)[1] == 1.0
    assert score("accuracy", y, p, weights).tolist() == [1.0, 1.0]
    assert np.isnan(score("auroc", np.array([1, 1]), np.eye(2)[[1, 1]])[0])


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p, weights = made(3)
    whole = score("auroc", y, p, weights)
    monkeypatch.setattr("synthmed.measures.classifiers.scores._CELLS", 2 * len(y))
    assert np.array_equal(score("auroc", y, p, weights), whole)


@pytest.mark.parametrize(
    ("name", "y", "p", "w"),
    [
        ("f1", [0, 1], np.eye(2), None),
        ("auroc", [0, 1, 1], np.eye(2), None),
        ("auroc", [0, 2], np.eye(2), None),
        ("auroc", [-1, 1], np.eye(2), None),
        ("auroc", [0.0, 1.0], np.eye(2), None),
        ("auroc", [0, 1], np.full((2, 2), np.nan), None),
        ("auroc", [0, 1], np.eye(2), np.ones((1, 3))),
        ("auroc", [0, 1], np.eye(2), -np.ones((1, 2))),
    ],
)
def test_bad_input_is_refused(name, y, p, w) -> None:
    with pytest.raises(SynthmedError):
        score(name, np.asarray(y), p, w)


def test_no_rows_give_no_number() -> None:
    assert np.isnan(score("accuracy", np.zeros(0, int), np.zeros((0, 2)))).all()
