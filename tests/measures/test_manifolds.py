"""Precision, recall, density and coverage."""

import numpy as np
import pytest

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


def test_too_few_points_for_k_are_refused():
    with pytest.raises(SynthmedError, match="at least 6"):
        precision(np.zeros((5, 2)), np.zeros((9, 2)))
