"""Intervals over patients and seeds: equal to the house's bootstrap, and honest."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.draws import Draws, scored
from synthmed.measures.agreement import auroc
from synthmed.measures.intervals import bootstrap_groups


def cases(seed, n=80, per_patient=2, seeds=1, noise=1.0, between=0.0):
    draw = np.random.default_rng(seed)
    labels = draw.integers(2, size=n)
    common = labels + draw.normal(0, 1, n)
    scores = (
        common
        + draw.normal(0, noise, (seeds, n))
        + between * draw.normal(0, 1, (seeds, 1)) * labels
    )
    p = 1 / (1 + np.exp(-scores))
    groups = np.repeat(np.arange(n // per_patient), per_patient)
    return labels, np.stack([1 - p, p], axis=2), groups


def test_one_seed_gives_the_bootstrap_of_the_house() -> None:
    y, p, groups = cases(0)
    found = scored("auroc", y, p, Draws.make(groups, 1, 200, seed=3)).estimate()
    low, high = bootstrap_groups(auroc, [y, p[0, :, 1]], groups, n=200, seed=3)
    assert found["value"] == pytest.approx(auroc(y, p[0, :, 1]), abs=1e-6)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-6)
    assert (found["n"], found["patients"]) == (80, 40)


def test_seeds_that_differ_widen_the_interval() -> None:
    def width(between: float) -> float:
        y, p, groups = cases(1, seeds=5, between=between)
        found = scored("auroc", y, p, Draws.make(groups, 5, 400, 0)).estimate()
        return found["high"] - found["low"]

    assert width(2.0) > 1.2 * width(0.0)


def test_the_variance_over_seeds_is_the_unbiased_one() -> None:
    draws = Draws.make(np.arange(2), 4, 20_000, 0)
    values = np.array([0.1, 0.4, 0.5, 0.9])
    drawn = draws.seeds_BS @ values
    assert drawn.var() == pytest.approx(values.var(ddof=1) / 4, rel=0.05)
    assert np.allclose(draws.seeds_BS.sum(axis=1), 1)


def test_differences_are_paired() -> None:
    y, p, groups = cases(2, seeds=3, noise=0.1)
    draws = Draws.make(groups, 3, 300, 0)
    one, same = scored("auroc", y, p, draws), scored("auroc", y, p, draws)
    nothing = one.minus(same).estimate()
    assert (nothing["value"], nothing["low"], nothing["high"]) == (0, 0, 0)
    _, q, _ = cases(2, seeds=3, noise=0.2)
    paired = one.minus(scored("auroc", y, q, draws)).estimate()
    own = one.estimate()
    assert paired["high"] - paired["low"] < 0.7 * (own["high"] - own["low"])


def test_equal_designs_are_rarely_told_apart_and_unequal_ones_are() -> None:
    """Of 150 pairs of equal designs at most 10 % may differ; a clear loss must be found."""
    found = {0.0: 0, 4.0: 0}
    for worse in found:
        n, trials = (240, 30) if worse else (80, 150)
        for trial in range(trials):
            y, p, groups = cases(trial, n, seeds=4, noise=0.7)
            draw = np.random.default_rng([trial, 7])
            logit = np.log(p[..., 1] / p[..., 0])
            twin = cases(trial, n, seeds=4, noise=0.0)[1]
            twin_logit = np.log(twin[..., 1] / twin[..., 0]) + draw.normal(
                0, 0.7 + worse, logit.shape
            )
            q = 1 / (1 + np.exp(-twin_logit))
            draws = Draws.make(groups, 4, 150, trial)
            other = scored("auroc", y, np.stack([1 - q, q], axis=2), draws)
            gap = scored("auroc", y, p, draws).minus(other).estimate()
            found[worse] += not gap["low"] <= 0 <= gap["high"]
    assert found[0.0] <= 15
    assert found[4.0] >= 27


def test_undefined_is_none_not_a_number() -> None:
    y, p, groups = np.array([0, 1, 1, 1]), np.full((1, 4, 2), 0.5), np.arange(4)
    draws = Draws.make(groups, 1, 50, 0)
    alone = scored("auroc", y, p, draws, np.array([False, True, True, True])).estimate()
    assert alone["value"] is alone["low"] is None
    single = scored("accuracy", y, p, draws, np.array([True, False, False, False])).estimate()
    assert single["value"] == 1.0
    assert single["low"] is None  # one patient gives no interval


def test_spread_of_a_single_seed_is_unknown() -> None:
    y, p, groups = cases(3)
    assert scored("auroc", y, p, Draws.make(groups, 1, 20, 0)).spread()["sd_over_seeds"] is None
    y, p, groups = cases(3, seeds=3)
    spread = scored("auroc", y, p, Draws.make(groups, 3, 20, 0)).spread()
    values = [auroc(y, one[:, 1]) for one in p]
    assert spread["by_seed"] == pytest.approx(values, abs=1e-6)
    assert spread["sd_over_seeds"] == pytest.approx(np.std(values, ddof=1), abs=1e-6)


@pytest.mark.parametrize(("groups", "seeds"), [(["a", "a"], 1), (["a", "b"], 0)])
def test_nothing_to_draw_from_is_refused(groups: list[str], seeds: int) -> None:
    with pytest.raises(SynthmedError, match="two test patients and one seed"):
        Draws.make(groups, seeds, 10, 0)
