"""The linear probe and ridge regression."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.agreement import auroc
from synthmed.measures.linear_probe import STRENGTHS, LinearProbe
from synthmed.measures.regression import RidgeRegression, absolute_error, correlation


def groups(n: int) -> list[str]:
    return [f"p{i // 2}" for i in range(n)]


def test_a_probe_learns_a_direction_whatever_the_scales() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(400, 6))
    labels = (x[:, 0] + x[:, 1] + 0.3 * draw.normal(size=400) > 0).astype(int)
    x *= np.array([1e-3, 1e3, 1, 1, 1, 1])
    features = {"b": x[:200, 3:], "a": x[:200, :3]}
    probe = LinearProbe.fit(features, labels[:200], groups(200))
    held_out = {"a": x[200:, :3], "b": x[200:, 3:]}  # another order of the groups of features
    assert auroc(labels[200:], probe.scores(held_out)) > 0.95


def test_noise_gets_more_penalty_than_signal() -> None:
    draw = np.random.default_rng(1)
    labels = np.arange(80) % 2
    noise = {"x": draw.normal(size=(80, 60))}
    signal = {"x": noise["x"] * 0.2 + labels[:, None] * 1.0}
    weak = LinearProbe.fit(noise, labels, groups(80))
    strong = LinearProbe.fit(signal, labels, groups(80))
    assert weak.strength in STRENGTHS
    assert np.abs(weak.scores(noise)).mean() < np.abs(strong.scores(signal)).mean()


def test_a_probe_of_noise_does_not_generalise() -> None:
    draw = np.random.default_rng(2)
    x, labels = draw.normal(size=(300, 40)), draw.integers(0, 2, 300)
    probe = LinearProbe.fit({"x": x[:150]}, labels[:150], groups(150))
    assert 0.35 < auroc(labels[150:], probe.scores({"x": x[150:]})) < 0.65


def test_features_that_do_not_vary_and_few_patients_are_no_trouble() -> None:
    labels = np.array([0, 1, 0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probe = LinearProbe.fit({"x": np.ones((4, 3))}, labels, ["a", "b", "c", "d"])
        few = LinearProbe.fit({"x": labels[:, None] * 1.0}, labels, ["a", "b", "a", "b"])
    assert np.allclose(probe.scores({"x": np.ones((2, 3))}), 0, atol=1e-6)
    assert auroc(labels, few.scores({"x": labels[:, None] * 1.0})) == 1
    with pytest.raises(SynthmedError, match="both answers"):
        LinearProbe.fit({"x": np.ones((4, 3))}, np.zeros(4), groups(4))


@pytest.mark.parametrize("width", [5, 500])
def test_ridge_predicts_numbers_with_few_and_with_many_features(width: int) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, width))
    age = 50 + 10 * x[:, 0] + draw.normal(size=300)
    model = RidgeRegression.fit({"x": x[:200]}, age[:200], groups(200))
    guess = model.scores({"x": x[200:]})
    assert correlation(guess, age[200:]) > (0.98 if width == 5 else 0.5)
    assert absolute_error(guess, age[200:]) < absolute_error(np.full(100, 50.0), age[200:])


def test_ridge_equals_the_normal_equations() -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(60, 4)), draw.normal(size=60)
    model = RidgeRegression.fit({"x": x}, y, groups(60))
    z = (x - x.mean(0)) / x.std(0)
    solved = np.linalg.solve(z.T @ z + 60 * model.strength * np.eye(4), z.T @ (y - y.mean()))
    assert np.allclose(model.weights, solved)


def test_noise_predicts_about_the_mean() -> None:
    draw = np.random.default_rng(3)
    model = RidgeRegression.fit(
        {"x": draw.normal(size=(200, 50))}, draw.normal(40, 10, 200), groups(200)
    )
    assert model.scores({"x": draw.normal(size=(50, 50))}).std() < 5
    with pytest.raises(SynthmedError, match="vary"):
        RidgeRegression.fit({"x": np.ones((4, 2))}, np.ones(4), groups(4))


def test_correlation_and_error_against_known_values() -> None:
    a, b = np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3])
    assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert absolute_error(a, b) == 1.0
    assert np.isnan(correlation(a, np.ones(4)))
    with pytest.raises(SynthmedError):
        correlation(a, b[:2])
