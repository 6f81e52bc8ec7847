"""Intervals: known formulas, pairs, groups, and what is refused."""

import numpy as np
import pytest
from scipy.stats import binomtest, t

from synthmed.errors import SynthmedError
from synthmed.measures.fidelity import kid
from synthmed.measures.intervals import bootstrap_groups, wilson
from synthmed.measures.jackknife import jackknife_difference, jackknife_groups


def difference_of_means(a, b):
    return float(a.mean() - b.mean())


@pytest.mark.parametrize(("k", "n"), [(0, 20), (3, 10), (50, 640), (10, 10)])
def test_wilson_equals_scipy(k, n):
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(SynthmedError, match="no rate"):
        wilson(0, 0)
    with pytest.raises(SynthmedError, match="no rate"):
        wilson(5, 4)


def test_the_bootstrap_of_a_mean_has_the_known_width_and_is_seeded():
    x = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap_groups(np.mean, [x], None)
    assert high - low == pytest.approx(2 * 1.96 * x.std() / 20, rel=0.1)
    assert (low, high) == bootstrap_groups(np.mean, [x], None)
    assert (low, high) != bootstrap_groups(np.mean, [x], None, seed=1)


def test_repeating_each_patients_image_does_not_narrow_the_interval():
    x = np.random.default_rng(0).normal(size=60)
    groups = [f"p{i}" for i in range(60)]
    once = bootstrap_groups(np.mean, [x], groups)
    often = bootstrap_groups(np.mean, [np.repeat(x, 10)], np.repeat(groups, 10))
    by_image = bootstrap_groups(np.mean, [np.repeat(x, 10)], None)
    assert often[1] - often[0] == pytest.approx(once[1] - once[0], rel=0.15)
    assert by_image[1] - by_image[0] < 0.5 * (once[1] - once[0])
    once = jackknife_groups(difference_of_means, (x, groups), (x + 1, None))
    again = np.repeat(x, 10), np.repeat(groups, 10)
    assert jackknife_groups(difference_of_means, again, (x + 1, None)) == pytest.approx(once)


def test_a_statistic_undefined_in_most_draws_is_refused():
    with pytest.raises(SynthmedError, match="undefined"):
        bootstrap_groups(lambda x: float("nan"), [np.arange(5.0)], None)
    with pytest.raises(SynthmedError, match="two groups"):
        bootstrap_groups(np.mean, [np.arange(5.0)], ["a"] * 5)
    with pytest.raises(SynthmedError, match="3 groups for 5 rows"):
        bootstrap_groups(np.mean, [np.arange(5.0)], ["a", "b", "c"])


def test_the_jackknife_of_a_mean_over_single_groups_is_the_t_interval():
    """With as many blocks as rows the jackknife of a mean is s² / n, exactly."""
    x = np.random.default_rng(0).normal(size=20)
    half = t.ppf(0.975, 19) * x.std(ddof=1) / np.sqrt(20)
    low, high = jackknife_groups(lambda a: float(a.mean()), (x, None))
    assert (low, high) == pytest.approx((x.mean() - half, x.mean() + half), rel=1e-9)


def test_groups_of_one_name_stay_together_across_samples():
    """Edits shift each patient's image by the same amount: the difference is nearly certain."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    y = x + 0.1 + 0.001 * rng.normal(size=200)
    names = [f"p{i}" for i in range(200)]
    order = rng.permutation(200)
    paired = jackknife_groups(difference_of_means, (x, names), (y[order], np.array(names)[order]))
    unpaired = jackknife_groups(difference_of_means, (x, names), (y[order], None))
    assert paired[1] - paired[0] < 0.01 * (unpaired[1] - unpaired[0])
    assert paired[0] < -0.1 < paired[1]


def test_the_difference_of_two_kids_sees_a_worse_set_and_clears_an_equal_one():
    """The claim "no worse than a margin", with its positive control."""
    rng = np.random.default_rng(0)
    real, a, b = rng.normal(size=(3, 300, 8))
    worse = rng.normal(size=(300, 8)) + 0.3
    margin = 0.1
    low, high = jackknife_difference(kid, (real, None), (a, None), (b, None))
    assert low < 0 < high < margin
    low, high = jackknife_difference(kid, (real, None), (worse, None), (b, None))
    assert low > 0
    assert high > margin


def test_pairing_by_prompt_narrows_the_difference_of_two_kids():
    rng = np.random.default_rng(1)
    real, a = rng.normal(size=(2, 300, 8))
    a += 0.3
    b = a + 0.02 * rng.normal(size=(300, 8))
    prompts = [f"prompt {i}" for i in range(300)]
    paired = jackknife_difference(kid, (real, None), (a, prompts), (b, prompts))
    unpaired = jackknife_difference(kid, (real, None), (a, None), (b, None))
    assert paired[1] - paired[0] < 0.3 * (unpaired[1] - unpaired[0])


def test_fewer_groups_mean_fewer_blocks_and_under_four_are_refused():
    x = np.random.default_rng(0).normal(size=30)
    calls = []

    def mean(a):
        calls.append(len(a))
        return float(a.mean())

    jackknife_groups(mean, (x, np.arange(30) // 5))
    assert sorted(set(calls)) == [20, 25, 30]  # 6 blocks of 5: none, one, two left out
    with pytest.raises(SynthmedError, match="over 3 groups"):
        jackknife_groups(mean, (x, np.arange(30) // 10))
    with pytest.raises(SynthmedError, match="4 groups for 30 rows"):
        jackknife_groups(mean, (x, ["a", "b", "c", "d"]))


def test_blocks_are_even_when_groups_are_not():
    sizes = [40, 30, 20, 10] + [2] * 100
    groups = np.repeat(np.arange(len(sizes)), sizes)
    left = []
    jackknife_groups(lambda a: left.append(len(groups) - len(a)) or 0.0, (groups, groups))
    single = np.array(left[1:21])
    assert single.sum() == len(groups)
    assert np.sort(single)[-4:].tolist() == [14, 20, 30, 40]
    assert np.ptp(np.sort(single)[:-3]) <= 2
