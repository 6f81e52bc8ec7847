"""Attributes that should stay, and numbers that should move."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.edits.nuisance import nuisance_kept, number_shift

GROUPS = list(range(20))


def test_kept_answers_and_their_control():
    source = np.r_[np.full(10, 0.1), np.full(10, 0.9)]
    edited = source.copy()
    edited[0], edited[19] = 0.6, 0.3
    again = source.copy()
    again[5] = 0.55
    found = nuisance_kept(source, edited, GROUPS, judge_auroc=0.85, reconstructed=again)
    assert found.rate is not None
    assert found.ceiling is not None
    assert found.change is not None
    assert (found.rate.value, found.ceiling.value) == (0.9, 0.95)
    np.testing.assert_allclose(found.change.value, (0.5 + 0.6) / 20)
    same = nuisance_kept(source, source, GROUPS, judge_auroc=0.85)
    assert same.rate is not None
    assert (same.rate.value, same.ceiling) == (1.0, None)


def test_a_number_moves_as_asked():
    source = np.linspace(30.0, 68.0, 20)
    found = number_shift(source, source + 8.0, GROUPS, judge_correlation=0.6, asked=source + 10.0)
    assert found.mean is not None
    assert found.absolute is not None
    assert found.error is not None
    np.testing.assert_allclose(
        [found.mean.value, found.absolute.value, found.error.value], [8.0, 8.0, 2.0]
    )
    jitter = np.where(np.arange(20) % 2, 3.0, -3.0)
    still = number_shift(source, source + jitter, GROUPS, judge_correlation=0.6)
    assert still.mean is not None
    assert still.absolute is not None
    assert (round(still.mean.value, 9), still.absolute.value, still.error) == (0.0, 3.0, None)


def test_poor_judges_give_no_number():
    source = np.linspace(0.0, 1.0, 20)
    kept = nuisance_kept(source, source, GROUPS, judge_auroc=0.7)
    assert kept.rate is None
    assert kept.not_measurable is not None
    assert "AUROC of 0.70" in kept.not_measurable
    moved = number_shift(source, source, GROUPS, judge_correlation=0.49)
    assert moved.mean is None
    assert moved.not_measurable is not None
    assert "0.50 is needed" in moved.not_measurable


def test_lengths_must_fit():
    with pytest.raises(SynthmedError, match="asked numbers"):
        number_shift(np.ones(3), np.ones(3), [1, 2, 3], judge_correlation=0.9, asked=[1.0])
