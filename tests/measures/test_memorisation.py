"""Authenticity, C_T and the closer share: fresh images pass, copies are seen."""

import numpy as np
import pytest
from scipy.stats import binomtest, mannwhitneyu

from synthmed.errors import SynthmedError
from synthmed.measures.authenticity import _Nearest
from synthmed.measures.memorisation import (
    authentic,
    authenticity,
    closer_share,
    data_copying,
)
from synthmed.measures.search import nearest


def sets(n=600, d=6, seed=0):
    return np.random.default_rng(seed).normal(size=(3, n, d))


def copying(train, share, rng, noise=0.05):
    """Fresh images, a share of them near-copies of training images."""
    fresh = rng.normal(size=train.shape)
    k = int(share * len(train))
    fresh[:k] = train[rng.integers(len(train), size=k)] + noise * rng.normal(size=(k, 6))
    return fresh


def test_authentic_by_hand():
    """Train at 0, 1, 10: 0.4 is nearer to 0 than 1 is; 12 is farther from 10 than 1 is not."""
    train = np.array([[0.0], [1.0], [10.0]])
    assert authentic(np.array([[0.4], [-2.0], [12.0], [30.0]]), train).tolist() == [
        False,
        True,
        False,
        True,
    ]


def test_fresh_images_in_one_dimension_are_authentic_in_a_third():
    rng = np.random.default_rng(0)
    found = authenticity(rng.uniform(size=(4000, 1)), rng.uniform(size=(4000, 1)))
    assert found.value == pytest.approx(1 / 3, abs=0.03)


def test_copies_lower_the_share_of_authentic_images():
    train, fresh, _ = sets()
    rng = np.random.default_rng(1)
    shares = [authenticity(copying(train, x, rng), train).value for x in (0.0, 0.3, 0.6, 1.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.02
    assert abs(shares[0] - authenticity(fresh, train).value) < 0.1


def test_near_doubles_within_a_patient_hide_no_copy():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(100, 6)).repeat(2, axis=0) + 0.01 * rng.normal(size=(200, 6))
    synthetic = train[::2] + 0.05 * rng.normal(size=(100, 6))
    patients = np.arange(200) // 2
    assert authenticity(synthetic, train).value > 0.9
    assert authenticity(synthetic, train, train_groups=patients).value < 0.02
    with pytest.raises(SynthmedError, match="single group"):
        authentic(synthetic, train, train_groups=["a"] * 200)


def test_its_interval_holds_the_share_over_training_sets():
    """Few training images, many synthetic ones: it is the former that the share depends on."""

    def drawn(seed):
        rng = np.random.default_rng(seed)
        return authenticity(rng.normal(size=(600, 8)), rng.normal(size=(60, 8)))

    truth = np.mean([drawn(1000 + i).value for i in range(40)])
    found = [drawn(i) for i in range(30)]
    assert sum(f.low <= truth <= f.high for f in found) >= 27
    assert np.mean([f.high - f.low for f in found]) < 0.6


def test_blocks_left_out_are_as_if_they_had_never_been_there():
    train, synthetic, _ = sets(60)
    block = np.arange(60) % 5
    found = _Nearest.of(synthetic, train, np.arange(60), block).authentic((1, 3))
    assert np.array_equal(found, authentic(synthetic, train[(block != 1) & (block != 3)]))


def test_groups_too_few_for_an_interval_are_refused():
    train, synthetic, _ = sets(30)
    with pytest.raises(SynthmedError, match="jackknife over 3 groups"):
        authenticity(synthetic, train, synthetic_groups=np.arange(30) % 3)
    with pytest.raises(SynthmedError, match="29 groups for 30"):
        authenticity(synthetic, train, train_groups=np.arange(29))


def test_one_cell_is_the_mann_whitney_z_score():
    train, holdout, synthetic = sets(300)
    found = data_copying(synthetic, holdout, train, cells=1)
    a, b = (nearest(x, train, k=1)[0][:, 0] for x in (synthetic, holdout))
    u = mannwhitneyu(a, b).statistic
    expected = (u - 300 * 300 / 2) / np.sqrt(300 * 300 * 601 / 12)
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert (found.cells, found.covered) == (1, 1.0)
    assert found.low < 0 < found.high


def test_copies_and_far_images_move_the_data_copying_score_apart():
    train, holdout, fresh = sets()
    rng = np.random.default_rng(1)
    copied = data_copying(copying(train, 0.5, rng), holdout, train, cells=4)
    assert copied.high < -2
    assert abs(data_copying(fresh, holdout, train, cells=4).value) < 2
    assert data_copying(fresh * 1.7, holdout, train, cells=4).low > 1


def test_copies_in_one_cell_only_are_seen():
    rng = np.random.default_rng(0)
    centre = np.where(np.arange(600) < 120, 30.0, 0.0)[:, None]
    train, holdout, synthetic = (x + centre for x in sets())
    synthetic[:120] = train[:120] + 0.01 * rng.normal(size=(120, 6))
    by_cell = data_copying(synthetic, holdout, train, cells=2)
    at_once = data_copying(synthetic, holdout, train, cells=1)
    assert by_cell.value < -1.5
    assert by_cell.cells == 2
    assert at_once.cells == 1


def test_too_few_images_for_the_cells_are_refused():
    train, holdout, synthetic = sets(60)
    with pytest.raises(SynthmedError, match="no cell holds 20"):
        data_copying(synthetic, holdout, train, cells=30)
    with pytest.raises(SynthmedError, match="dimensions"):
        data_copying(synthetic[:, :3], holdout, train)


def test_closer_share_counts_ties_half():
    found = closer_share([1, 2, 3, 4], [2, 2, 2, 4])
    assert (found.value, found.ties, found.n) == (0.5, 2, 4)
    assert found.p == 1.0


@pytest.mark.parametrize("k", [50, 58, 65, 80])
def test_its_test_without_groups_is_the_binomial_one(k):
    closer = np.arange(100) < k
    found = closer_share(np.where(closer, 1.0, 3.0), np.full(100, 2.0))
    expected = binomtest(k, 100).pvalue
    assert found.p == pytest.approx(expected, rel=0.25, abs=2e-4)
    assert found.low < found.value < found.high


def test_its_test_holds_its_level_over_random_splits_of_patients():
    """By the nearer real image's patient at most 9 of 100 random splits are called at 5 %."""
    rng, called = np.random.default_rng(0), {True: 0, False: 0}
    real = rng.normal(size=(60, 2))
    real[:3] = 0.3 * real[:3]  # typical patients that draw many synthetic images
    synthetic = 0.3 * rng.normal(size=(300, 2))
    distance = np.linalg.norm(synthetic[:, None] - real, axis=2)
    patient = distance.argmin(axis=1)
    for _ in range(100):
        train = rng.permutation(60) < 30
        to_train, to_holdout = distance[:, train].min(axis=1), distance[:, ~train].min(axis=1)
        for grouped in (True, False):
            groups = patient if grouped else None
            called[grouped] += closer_share(to_train, to_holdout, groups).p < 0.05
    assert called[True] <= 9
    assert called[False] > 30  # image by image, chance is taken for copying


def test_copies_raise_the_closer_share():
    train, holdout, _ = sets()
    made = copying(train, 0.2, np.random.default_rng(1))
    to_train, match = nearest(made, train, k=1)
    to_holdout, other = nearest(made, holdout, k=1)
    nearer = np.where(to_train < to_holdout, match, 1000 + other)[:, 0]
    found = closer_share(to_train[:, 0], to_holdout[:, 0], nearer)
    assert found.low > 0.5
    assert found.p < 0.001


def test_distances_that_do_not_fit_are_refused():
    with pytest.raises(SynthmedError, match="shapes"):
        closer_share([1.0, 2.0], [1.0])
    with pytest.raises(SynthmedError, match="not finite"):
        closer_share([1.0, np.inf], [1.0, 1.0])
    with pytest.raises(SynthmedError, match="3 groups for 2 images"):
        closer_share([1.0, 2.0], [1.0, 3.0], [1, 2, 3])
    assert closer_share([1.0], [2.0], ["a"]).high == 1.0
