"""Contract: over 200 pairs of samples the 95 % interval holds the truth in 90 to 99 % of them.

The truth is 0 for the unbiased distances and differences and 1 for ratios; the other metrics
depend on the numbers of images, so their truth is their mean over the pairs. Coverage is drawn
with half as many synthetic images: at equal numbers it lies at its ceiling (.97 on a scale of
steps of .01), where its interval is too wide (it held the truth in 99.5 % of 600 pairs).
Metrics within labels are drawn with labels, and with patients of two images each.
"""

from functools import partial

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import synthmed.measures.likeness
from synthmed.measures.agreement import auroc
from synthmed.measures.intervals import bootstrap_groups
from synthmed.measures.jackknife import jackknife_difference, jackknife_groups
from synthmed.measures.metrics import METRICS, measure
from synthmed.measures.pairs import draw_pairs

PAIRS = 200
TRUTH = {
    "kid": 0.0,
    "cmmd": 0.0,
    "high-frequency-ratio": 1.0,
    "feature-diversity": 1.0,
    "ms-ssim-difference": 0.0,
}
SLOW = {"ms-ssim-difference"}
NAMES = [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in METRICS]


def draw(name, rng):
    """One sample of a metric's kind."""
    if name == "ms-ssim-difference":  # smooth images, as like and unlike as anatomy
        return gaussian_filter(rng.normal(size=(24, 1, 48, 48)), (0, 0, 3, 3)) * 3
    if METRICS[name].takes == "images":
        return 0.3 * rng.normal(size=(40, 1, 8, 8)) * rng.gamma(2.0, size=(40, 1, 1, 1))
    if METRICS[name].labelled:
        patients = rng.normal(size=(50, 8)).repeat(2, axis=0)
        return patients + 0.3 * rng.normal(size=(100, 8)) + np.arange(100)[:, None] // 50
    return rng.normal(size=(100, 8)) + 1.0


def draw_pair(name, rng):
    real, synthetic = draw(name, rng), draw(name, rng)
    return real, synthetic[: len(synthetic) // 2] if name == "coverage" else synthetic


def known(name, real, synthetic):
    """Labels and groups of the labelled metrics' samples."""
    if name != "feature-diversity":
        return {}
    labels = [f"type {i // 50}" for i in range(100)]
    patients = [f"p{i // 2}" for i in range(100)]
    return {
        "real_labels": labels,
        "synthetic_labels": labels,
        "real_groups": patients,
        "synthetic_groups": [f"s{patient}" for patient in patients],
    }


def share_held(intervals, truth):
    low, high = np.array(intervals).T
    return ((low <= truth) & (truth <= high)).mean()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:frechet below")
def test_registered_metric(name):
    rng, results = np.random.default_rng(2), []
    for _ in range(PAIRS):
        real, synthetic = draw_pair(name, rng)
        more = known(name, real, synthetic)
        results.append(measure(name, real, synthetic, extractor="", preprocessing="", **more))
    truth = TRUTH.get(name, np.mean([result.value for result in results]))
    assert 0.90 <= share_held([(x.low, x.high) for x in results], truth) <= 0.99


def test_likeness_by_a_draw_of_pairs(monkeypatch):
    """With 60 of 1,770 pairs, and a cheap likeness in place of MS-SSIM."""

    def likeness(a, b):
        return np.exp(-np.abs(a - b).mean(axis=(1, 2, 3)))

    monkeypatch.setattr(synthmed.measures.likeness, "ms_ssim", likeness)
    monkeypatch.setattr(synthmed.measures.likeness, "draw_pairs", partial(draw_pairs, most=60))
    rng, intervals = np.random.default_rng(6), []
    for _ in range(PAIRS):
        images = np.broadcast_to(rng.normal(size=(2, 60, 1, 1, 1)), (2, 60, 1, 48, 48))
        found = measure("ms-ssim-difference", *images, extractor="", preprocessing="")
        intervals.append((found.low, found.high))
        assert found.extra["pairs_real"] == 60
    assert 0.90 <= share_held(intervals, 0.0) <= 0.99


@pytest.mark.parametrize("band", range(4))
def test_bands_of_the_spectrum(band):
    """The parts of a metric have intervals that hold, too: here the truth is 0 dB."""
    rng, intervals = np.random.default_rng(5), []
    for _ in range(PAIRS):
        images = 0.3 * rng.normal(size=(2, 40, 1, 32, 32)) * rng.gamma(9.0, size=(2, 40, 1, 1, 1))
        result = measure("spectrum-difference", *images, extractor="", preprocessing="")
        part = list(result.extra["parts"].values())[band]
        intervals.append((part["low"], part["high"]))
    assert 0.90 <= share_held(intervals, 0.0) <= 0.99


def test_metric_between_different_distributions():
    """Away from the null the same interval serves: KID of a known shift."""
    rng = np.random.default_rng(0)
    truth = 3 * (2 * 0.5**2) / 2 + 3 * (2 * 0.5**4 + 0.5**4 * 2) / 4  # first and second moments
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
