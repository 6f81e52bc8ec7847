"""KID over subsets, as it is published."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.fidelity import kid, kid_subsets


def sample(n, seed, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, 5)) + shift


def test_its_mean_is_near_the_value_over_all_pairs():
    a, b = sample(400, 0), sample(300, 1, 0.5)
    found = kid_subsets(a, b, size=100, subsets=200)
    assert found.mean == pytest.approx(kid(a, b), abs=4 * found.std / 200**0.5)
    assert (found.size, found.subsets) == (100, 200)
    assert found == kid_subsets(a, b, size=100, subsets=200)
    assert found != kid_subsets(a, b, size=100, subsets=200, seed=1)


def test_small_sets_give_whole_subsets_and_no_spread_where_there_is_none():
    a, b = sample(120, 0), sample(150, 1)
    assert kid_subsets(a, b).size == 120
    assert kid_subsets(a, b).std > 0
    whole = kid_subsets(a, b[:120])
    assert np.isnan(whole.std)
    assert whole.mean == pytest.approx(kid(a, b[:120]), abs=1e-12)


@pytest.mark.parametrize(
    ("size", "subsets", "said"),
    [
        (None, 100, "100 subsets of 60 images"),
        (61, 10, "10 subsets of 61 images"),
        (1, 10, "10 subsets of 1 images"),
        (20, 0, "0 subsets of 20 images"),
    ],
)
def test_more_subsets_than_images_are_refused(size, subsets, said):
    with pytest.raises(SynthmedError, match=said) as caught:
        kid_subsets(sample(60, 0), sample(70, 1), size, subsets)
    assert "at most 60" in str(caught.value)
    assert "\n" not in str(caught.value)
