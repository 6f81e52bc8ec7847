"""The classifier two-sample test."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.linear_probe import LinearProbe
from synthmed.measures.two_sample import permutation_p, two_sample_test


def sets(shift: float, seed: int = 0, n: int = 100):
    draw = np.random.default_rng(seed)
    labels = np.repeat([0, 1], n)
    x = draw.normal(size=(2 * n, 5))
    x[:, 0] += shift * labels
    return {"x": x}, labels, [f"g{i // 2}" for i in range(2 * n)]


def test_a_difference_is_found_with_its_interval() -> None:
    found = two_sample_test(*sets(2.0), LinearProbe.fit)
    assert found.low < found.auroc < found.high
    assert found.low > 0.8
    assert found.p == pytest.approx(1 / 1001)
    assert found.test.sum() == 100


def test_the_same_seed_gives_the_same_result() -> None:
    a, b, c = (two_sample_test(*sets(0.5), LinearProbe.fit, seed=seed) for seed in (1, 1, 2))
    assert (a.auroc, a.low, a.p) == (b.auroc, b.low, b.p)
    assert a.auroc != c.auroc


def test_equal_sets_are_rarely_told_apart() -> None:
    found = [
        two_sample_test(*sets(0.0, seed), LinearProbe.fit, bootstraps=200, permutations=200)
        for seed in range(40)
    ]
    assert sum(each.p <= 0.05 for each in found) <= 6  # 2 expected
    assert sum(not each.low <= 0.5 <= each.high for each in found) <= 6


def test_patients_known_by_heart_do_not_help() -> None:
    draw = np.random.default_rng(0)
    who = np.arange(40).repeat(10)
    features = {"x": draw.normal(size=(40, 15))[who] + 0.01 * draw.normal(size=(400, 15))}
    labels = (who >= 20).astype(int)  # nothing tells the sets apart but the patients
    found = two_sample_test(features, labels, who.astype(str).tolist(), LinearProbe.fit)
    assert found.p > 0.05
    assert found.high - found.low > 0.2  # 20 patients, not 200 images


def test_permutation_p_by_hand() -> None:
    labels, scores = np.array([0, 0, 1, 1]), np.array([1.0, 2, 3, 4])
    p = permutation_p(labels, scores, list("abcd"), permutations=5000)
    assert p == pytest.approx(1 / 6, abs=0.02)  # one order of six reaches the AUROC of 1
    pairs = permutation_p(labels, scores, list("aabb"), permutations=5000)
    assert pairs == pytest.approx(1 / 2, abs=0.03)  # two groups, two orders


def test_a_half_without_one_of_the_sets_is_refused() -> None:
    x, labels = {"x": np.zeros((4, 2))}, np.array([0, 0, 0, 1])
    with pytest.raises(SynthmedError, match="too few groups"):
        two_sample_test(x, labels, list("abcd"), LinearProbe.fit)
