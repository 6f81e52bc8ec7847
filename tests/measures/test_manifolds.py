"""Precision, recall, density and coverage."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from synthmed.errors import SynthmedError
from synthmed.measures.manifolds import coverage, density, precision, recall


def test_hand_made_points_on_a_line():
    """k = 1: every real ball has radius 1; two synthetic points lie in balls, one far away."""
    real = np.array([[0.0], [1.0], [10.0], [11.0]])
    synthetic = np.array([[0.5], [1.9], [50.0], [51.0]])
    assert precision(real, synthetic, k=1) == 0.5
    assert density(real, synthetic, k=1) == (2 + 1) / 4  # 0.5 lies in two balls, 1.9 in one
    assert coverage(real, synthetic, k=1) == 0.5
    # The synthetic balls have radii 1.4, 1.4, 1, 1: they hold 0 and 1 only.
    assert recall(real, synthetic, k=1) == 0.5


def test_equal_distributions():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 500, 4))
    assert precision(real, synthetic) > 0.9
    assert recall(real, synthetic) > 0.9
    assert density(real, synthetic) == pytest.approx(1.0, abs=0.15)
    assert coverage(real, synthetic) == pytest.approx(1 - 2.0**-5, abs=0.03)


def test_a_lost_mode_lowers_recall_and_coverage_only():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 4))
    real[200:] += 20
    synthetic = rng.normal(size=(400, 4))
    assert precision(real, synthetic) > 0.85
    assert recall(real, synthetic) < 0.55
    assert coverage(real, synthetic) < 0.55


def test_noise_outside_the_data_lowers_precision_and_density():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 400, 4))
    synthetic[:100] += 30
    assert precision(real, synthetic) < 0.76
    assert density(real, synthetic) < 0.85


def by_all_distances(real, synthetic, k=5):
    """The four numbers from a table of all distances."""
    radii = [np.sort(cdist(x, x, "sqeuclidean"), axis=1)[:, k] for x in (real, synthetic)]
    between = cdist(synthetic, real, "sqeuclidean")
    in_real, in_synthetic = between <= radii[0], between <= radii[1][:, None]
    return (
        in_real.any(axis=1).mean(),
        in_synthetic.any(axis=0).mean(),
        in_real.sum(axis=1).mean() / k,
        in_real.any(axis=0).mean(),
    )


@pytest.mark.parametrize(
    "kind", ["plain", "far from 0", "copies", "integers", "outliers", "blurred"]
)
def test_equals_a_table_of_all_distances(kind):
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 300, 40))
    if kind == "far from 0":
        real, synthetic = real + 1000, synthetic + 1000
    elif kind == "copies":
        synthetic[:100] = real[50:150]
    elif kind == "integers":
        real, synthetic = np.round(2 * real[:, :3]), np.round(2 * synthetic[:, :3])
    elif kind == "outliers":
        real[0], synthetic[5] = 1e6, -1e5
    elif kind == "blurred":  # in the middle of every ball
        synthetic *= 0.1
    found = [metric(real, synthetic) for metric in (precision, recall, density, coverage)]
    np.testing.assert_allclose(found, by_all_distances(real, synthetic), rtol=1e-12)


def test_too_few_points_for_k_are_refused():
    with pytest.raises(SynthmedError, match="at least 6"):
        precision(np.zeros((5, 2)), np.zeros((9, 2)))
