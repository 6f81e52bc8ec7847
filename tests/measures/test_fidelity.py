"""Fréchet distance, KID and CMMD against closed forms and slow written-out versions."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from synthmed.errors import SynthmedError
from synthmed.measures.fidelity import cmmd, frechet_distance, kid


def gaussian(n, d, seed, shift=0.0, scale=1.0):
    return scale * np.random.default_rng(seed).normal(size=(n, d)) + shift


def test_frechet_distance_equals_the_matrix_square_root():
    a, b = gaussian(80, 6, 0), gaussian(90, 6, 1, shift=0.5) @ np.diag([1, 2, 1, 0.5, 1, 1])
    covariances = np.cov(a.T), np.cov(b.T)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + sum(map(np.trace, covariances))
    expected -= 2 * np.trace(sqrtm(covariances[0] @ covariances[1])).real
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_between_known_gaussians():
    """|shift|² + D (1 - scale)² = 4 · 0.25 + 4 · 1 = 5."""
    a, b = gaussian(200_000, 4, 0), gaussian(200_000, 4, 1, shift=0.5, scale=2.0)
    assert frechet_distance(a, b) == pytest.approx(5.0, rel=0.02)


def test_frechet_distance_of_fewer_images_than_dimensions_is_finite_and_symmetric():
    a, b = gaussian(20, 64, 0), gaussian(20, 64, 1)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(("n", "bias"), [(20, 415), (200, 166), (1000, 34)])
def test_bias_of_one_gaussian_in_256_dimensions(n, bias):
    """The Fréchet distance is mostly bias at the sizes of medical sets; KID has none."""
    pairs = [(gaussian(n, 256, 2 * i), gaussian(n, 256, 2 * i + 1)) for i in range(3)]
    assert np.mean([frechet_distance(a, b) for a, b in pairs]) == pytest.approx(bias, rel=0.03)
    assert abs(np.mean([kid(a, b) for a, b in pairs])) < 1.0 / n


def written_out(a, b, kernel):
    n, m = len(a), len(b)
    aa = sum(kernel(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    bb = sum(kernel(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    ab = sum(kernel(x, y) for x in a for y in b) / (n * m)
    return aa + bb - 2 * ab


def test_kid_equals_the_written_out_u_statistic():
    a, b = gaussian(15, 4, 0), gaussian(12, 4, 1, shift=0.3)
    expected = written_out(a, b, lambda x, y: (x @ y / 4 + 1) ** 3)
    assert kid(a, b) == pytest.approx(expected, rel=1e-10)


def test_cmmd_equals_the_written_out_u_statistic():
    a, b = gaussian(15, 4, 0, shift=1), gaussian(12, 4, 1, shift=0.3)
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    expected = 1000 * written_out(*unit, lambda x, y: np.exp(-((x - y) ** 2).sum() / 200))
    assert cmmd(a, b) == pytest.approx(expected, rel=1e-6)


def test_kid_between_known_gaussians_in_one_dimension():
    """Feature map of (xy + 1)³: 1, √3 x, √3 x², x³; N(1, 1) against N(0, 1): 3 + 3 + 16 = 22."""
    values = [kid(gaussian(500, 1, i), gaussian(500, 1, 100 + i, shift=1.0)) for i in range(50)]
    assert np.mean(values) == pytest.approx(22.0, abs=3 * np.std(values) / 50**0.5)
    assert np.std(values) / 50**0.5 < 1.0


@pytest.mark.parametrize("distance", [kid, cmmd])
def test_kernel_distances_are_unbiased_and_see_a_shift(distance):
    turned = np.array([1, 1, 1, 1, -1, -1, -1, -1])
    none = [distance(gaussian(40, 8, i, 1), gaussian(40, 8, 500 + i, 1)) for i in range(100)]
    some = [distance(gaussian(40, 8, i, 1), gaussian(40, 8, 500 + i, turned)) for i in range(100)]
    assert abs(np.mean(none)) < 3 * np.std(none) / 10
    assert np.mean(some) > 3 * np.std(none)


@pytest.mark.parametrize("distance", [kid, cmmd, frechet_distance])
def test_chunks_and_integers_do_not_change_the_value(distance):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (1500, 5)), rng.integers(0, 200, (1100, 5))
    value = distance(a.astype(np.uint8), b.astype(np.uint8))
    assert value == pytest.approx(distance(a.astype(float), b.astype(float)), rel=1e-12)
    order = rng.permutation(1500)
    assert value == pytest.approx(distance(a[order], b), rel=1e-6)


@pytest.mark.parametrize("distance", [kid, cmmd, frechet_distance])
def test_features_that_do_not_fit_are_refused(distance):
    with pytest.raises(SynthmedError, match="dimensions"):
        distance(np.zeros((5, 3)), np.zeros((5, 4)))
    with pytest.raises(SynthmedError, match="at least 2"):
        distance(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(SynthmedError, match="not finite"):
        distance(np.full((5, 3), np.nan), np.zeros((5, 3)))
    with pytest.raises(SynthmedError, match=r"\(N, D\)"):
        distance(np.zeros(5), np.zeros(5))
