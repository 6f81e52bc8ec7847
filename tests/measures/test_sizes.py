"""Cutting two sets to one size."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.sizes import equal_n


@pytest.mark.parametrize("seed", range(5))
def test_the_larger_side_loses_whole_groups_and_splits_one_at_most(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(30, size=200)
    a, b = equal_n(200, 73, groups, None, seed)
    assert len(a) == len(b) == 73
    assert b.tolist() == list(range(73))
    assert (np.diff(a) > 0).all()
    kept, every = np.bincount(groups[a], minlength=30), np.bincount(groups, minlength=30)
    assert ((kept > 0) & (kept < every)).sum() <= 1


def test_the_synthetic_side_too_and_by_the_seed():
    a, b = equal_n(10, 25, None, [f"p{i // 5}" for i in range(25)])
    assert a.tolist() == list(range(10))
    assert len(set((b // 5).tolist())) == 2
    draws = {tuple(equal_n(10, 100, seed=seed)[1].tolist()) for seed in range(5)}
    assert len(draws) == 5
    assert equal_n(10, 100, seed=3)[1].tolist() == equal_n(10, 100, seed=3)[1].tolist()


def test_one_large_group_is_cut():
    assert len(equal_n(7, 50, None, ["a"] * 50)[1]) == 7


def test_what_does_not_fit_is_refused():
    with pytest.raises(SynthmedError, match="one set is empty"):
        equal_n(0, 5)
    with pytest.raises(SynthmedError, match="3 groups for 5 images"):
        equal_n(5, 4, ["a", "b", "c"])
