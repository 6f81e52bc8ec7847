"""The differences that the lights are judged by."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.evaluation.fidelity_parts.excess import coverage_loss, kid_excess
from synthmed.measures.fidelity import kid
from synthmed.measures.manifolds import coverage


def groups(prefix, n, images=1):
    return [f"{prefix}{i // images}" for i in range(n)]


def draw(seed=0, n=60, width=4, sets=4):
    return np.random.default_rng(seed).normal(size=(sets, n, width)) + 1.0


def test_the_excess_is_what_kid_gives():
    a, b, x, y = draw()
    samples = [(each, groups(name, 60)) for each, name in zip((a, b, x, y), "abxy", strict=True)]
    one = kid_excess(*samples[:3])
    np.testing.assert_allclose(one.value, (kid(a, x) + kid(b, x)) / 2 - kid(a, b), atol=1e-12)
    two = kid_excess(*samples)
    np.testing.assert_allclose(two.value, (kid(a, x) + kid(b, y)) / 2 - kid(a, b), atol=1e-12)
    assert one.low < one.value < one.high


def test_the_loss_is_what_coverage_gives():
    a, b, x, y = draw(1)
    samples = [(each, groups(name, 60)) for each, name in zip((a, b, x, y), "abxy", strict=True)]
    among = coverage(a, b) + coverage(b, a)
    one, two = coverage_loss(*samples[:3]), coverage_loss(*samples)
    np.testing.assert_allclose(one.value, (among - coverage(a, x) - coverage(b, x)) / 2)
    np.testing.assert_allclose(two.value, (among - coverage(a, x) - coverage(b, y)) / 2)


def test_copies_of_real_images_cover_them():
    """Distances from inner products are not exactly 0 for equal rows; they must count as such."""
    a, b, *_ = draw(2)
    both = np.concatenate([a, b])
    found = coverage_loss(
        (a, groups("a", 60)), (b, groups("b", 60)), (both, groups("a", 60) + groups("b", 60))
    )
    assert found.value <= 0.0


def test_the_interval_of_the_excess_holds_nothing_for_real_images():
    """200 draws of three sets of real patients: the excess of the third is 0 in expectation."""
    held = []
    for seed in range(200):
        a, b, x, _ = draw(seed, n=40, width=3)
        found = kid_excess((a, groups("a", 40)), (b, groups("b", 40)), (x, groups("x", 40)))
        held.append(found.low <= 0.0 <= found.high)
    assert 0.90 <= np.mean(held) <= 0.995


@pytest.mark.parametrize("shift", [0.3, 0.6, 1.2])
def test_the_excess_grows_with_the_shift(shift):
    a, b, x, _ = draw(3, n=120)
    near, far = (
        kid_excess((a, groups("a", 120)), (b, groups("b", 120)), (x + s, groups("x", 120)))
        for s in (shift / 2, shift)
    )
    assert far.value > near.value
    assert far.low > 0.0


def test_a_lost_half_is_a_loss_of_coverage():
    a, b, x, _ = draw(4, n=100)
    left = x[x[:, 0] < 1.0]
    found = coverage_loss(
        (a, groups("a", 100)), (b, groups("b", 100)), (left, groups("x", len(left)))
    )
    assert found.low > 0.1
    whole = coverage_loss((a, groups("a", 100)), (b, groups("b", 100)), (x, groups("x", 100)))
    assert whole.high < found.low


def test_the_loss_among_as_many_is_what_coverage_gives():
    """Smaller sets cover less, whatever they hold: they are compared with others of their size."""
    a, b, x, y = draw(5, n=100)
    named = [
        (each, groups(name, len(each))) for each, name in zip((a, b, x, y), "abxy", strict=True)
    ]
    some = [(rows[:40], names[:40]) for rows, names in named]
    alone = coverage_loss(*named[:2], some[2], some[3])
    assert alone.low > 0.05
    found = coverage_loss(*named[:2], some[2], some[3], among=(some[1], some[0]))
    among = coverage(a, b[:40]) + coverage(b, a[:40])
    expected = (among - coverage(a, x[:40]) - coverage(b, y[:40])) / 2
    np.testing.assert_allclose(found.value, expected)
    assert found.low < 0.0 < found.high
    one = coverage_loss(*named[:2], some[2], among=(some[1], some[0]))
    np.testing.assert_allclose(one.value, (among - coverage(a, x[:40]) - coverage(b, x[:40])) / 2)


def test_too_small_and_unequal_samples():
    a, b, x, _ = draw()
    with pytest.raises(SynthmedError, match="cannot be compared"):
        kid_excess((a, None), (b, None), (x[:, :2], None))
    with pytest.raises(SynthmedError, match="at least four groups"):
        kid_excess((a, groups("a", 60, 30)), (b, None), (x, None))
    with pytest.raises(SynthmedError, match="fewer than 6"):
        coverage_loss((a[:5], None), (b, None), (x, None))
