"""Exact neighbours, whatever float32 makes of them."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.search import Screen, nearest, squared_distances


def brute(a, b, k):
    table = np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))
    return np.sort(table, axis=1)[:, :k], table


@pytest.mark.parametrize("k", [1, 3, 20])
@pytest.mark.parametrize("chunk", [7, 1024])
def test_equals_brute_force(k, chunk):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(50, 5)) + 100, rng.normal(size=(70, 5)) + 100
    distance, index = nearest(a, b, k=k, chunk=chunk)
    expected, table = brute(a, b, k)
    np.testing.assert_allclose(distance, expected, rtol=1e-12)
    np.testing.assert_array_equal(index, np.argsort(table, axis=1)[:, :k])


def test_differences_below_the_digits_of_float32_are_seen():
    """Points 1e-5 apart, whose squared distances are all one in float32."""
    rng = np.random.default_rng(0)
    b = np.concatenate([1.0 + 1e-5 * rng.normal(size=(300, 8)), rng.normal(size=(300, 8))])
    a = b[:40] + 1e-6 * rng.normal(size=(40, 8))
    distance, index = nearest(a, b, k=2)
    expected, _ = brute(a, b, 2)
    np.testing.assert_allclose(distance, expected, rtol=1e-6)
    assert (index[:, 0] == np.arange(40)).all()


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_any_scale_and_outliers(scale):
    rng = np.random.default_rng(0)
    b = rng.normal(size=(200, 6)) * scale
    b[0] *= 1e6
    a = rng.normal(size=(30, 6)) * scale
    distance, _ = nearest(a, b, k=3)
    expected, _ = brute(a / scale, b / scale, 3)
    np.testing.assert_allclose(distance, expected * scale, rtol=1e-9)


def test_equal_rows_and_constant_tables():
    b = np.ones((50, 4))
    distance, index = nearest(b[:5], b, k=3)
    assert (distance == 0).all()
    assert len(set(index[0].tolist())) == 3
    assert nearest(b[:5] + 1, b, k=1)[0].tolist() == [[2.0]] * 5


def test_the_distance_of_an_exact_copy_is_exactly_zero():
    b = np.random.default_rng(0).normal(size=(40, 300)) + 50
    distance, index = nearest(b[7:8], b)
    assert distance[0, 0] == 0.0
    assert index[0, 0] == 7


def test_rows_of_one_group_are_no_neighbours():
    rng = np.random.default_rng(0)
    b = rng.normal(size=(60, 3))
    groups = np.arange(60) // 6
    distance, index = nearest(b, b, k=2, apart=(groups, groups))
    table = brute(b, b, 1)[1]
    table[groups[:, None] == groups] = np.inf
    np.testing.assert_allclose(distance, np.sort(table, axis=1)[:, :2], rtol=1e-12)
    assert (groups[index] != groups[:, None]).all()
    alone, _ = nearest(b, b[:7], k=2, apart=(groups, groups[:7]))
    assert np.isinf(alone[:6, 1]).all()  # one row of another group is left
    assert np.isfinite(alone[:6, 0]).all()
    with pytest.raises(SynthmedError, match="60 and 7 groups for 60 and 60 rows"):
        nearest(b, b, apart=(groups, groups[:7]))


@pytest.mark.parametrize("width", [1, 30, 800])
def test_bounds_lie_below_the_true_distances_and_not_far(width):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, width)) * 3 + 7, rng.standard_t(2, size=(50, width))
    screen = Screen(b, b.mean(axis=0), float(np.abs(np.concatenate([a, b])).max() * 2))
    bounds = screen.bounds(a).astype(float)
    exact = ((a[:, None] - b[None]) ** 2).sum(axis=2) * screen.scale**2
    assert (bounds <= exact).all()
    slack = 2 * screen.margin * (screen.scaled(a)[1][:, None] + screen.scaled(b)[1])
    assert (exact <= bounds + slack + 1e-30).all()


def test_the_same_pair_has_the_same_distance_in_any_batch():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 100, 77))
    i, j = rng.integers(100, size=(2, 300))
    found = squared_distances(a, b, i, j)
    np.testing.assert_array_equal(found, squared_distances(a, b, i, j, batch=7))
    np.testing.assert_array_equal(found, squared_distances(b, a, j, i))
