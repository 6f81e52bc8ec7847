"""Flips: rates between their controls, and judges that may not judge."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.edits.flips import flip_rate

GROUPS = [f"p{i // 2}" for i in range(40)]


def scores(flipped):
    """Thirty healthy and ten ill sources; some of the healthy become ill."""
    source = np.r_[np.full(30, 0.1), np.full(10, 0.9)]
    edited = source.copy()
    edited[:flipped] = 0.8
    return source, edited


def test_the_rate_counts_only_those_that_could_flip():
    found = flip_rate(*scores(15), GROUPS, judge_auroc=0.9)
    assert found.rate is not None
    assert found.shift is not None
    assert (found.rate.value, found.rate.n, found.already) == (0.5, 30, 10)
    assert 0.0 < found.rate.low < 0.5 < found.rate.high < 1.0
    np.testing.assert_allclose(found.shift.value, 0.35)


def test_doing_nothing_flips_nobody():
    source, _ = scores(0)
    found = flip_rate(source, source, GROUPS, judge_auroc=0.9)
    assert found.rate is not None
    assert found.rate.value == 0.0


def test_the_controls_stand_beside_the_rate():
    source, edited = scores(15)
    again = source.copy()
    again[:3] = 0.7
    target = np.r_[np.full(9, 0.9), 0.2]
    found = flip_rate(source, edited, GROUPS, judge_auroc=0.9, reconstructed=again, target=target)
    assert found.floor is not None
    assert found.ceiling is not None
    assert found.floor.value == 0.1
    assert found.ceiling.value == 0.9
    assert found.ceiling.n == 10


def test_the_interval_is_over_patients():
    source = np.full(40, 0.1)
    edited = source.copy()
    edited[:20] = 0.8
    few = flip_rate(source, edited, [f"p{i // 10}" for i in range(40)], judge_auroc=0.9).rate
    many = flip_rate(source, edited, range(40), judge_auroc=0.9).rate
    assert few is not None
    assert many is not None
    assert few.high - few.low > 1.5 * (many.high - many.low)


@pytest.mark.parametrize("auroc", [0.79, float("nan")])
def test_a_poor_judge_gives_no_rate(auroc):
    found = flip_rate(*scores(15), GROUPS, judge_auroc=auroc)
    assert found.rate is None
    assert found.not_measurable is not None
    assert "0.80 is needed" in found.not_measurable


def test_bad_input():
    source, edited = scores(15)
    with pytest.raises(SynthmedError, match="nothing to flip"):
        flip_rate(np.ones(4), np.ones(4), list("abcd"), judge_auroc=0.9)
    with pytest.raises(SynthmedError, match=r"must have shape \(40,\)"):
        flip_rate(source, edited[:5], GROUPS, judge_auroc=0.9)
    with pytest.raises(SynthmedError, match="not finite"):
        flip_rate(source, np.full(40, np.nan), GROUPS, judge_auroc=0.9)
