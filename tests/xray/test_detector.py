"""Photon statistics, scatter and blur, measured on flat fields, edges and points."""

import dataclasses

import numpy as np
import pytest

from synthmed.xray.detector import SCATTER_MM, expose, scattered
from synthmed.xray.exposure import Exposure

PLAIN = Exposure("plain", photons=1e4, electronic_noise=0.0, scatter=0.0, blur_mm=0.0)
PIXEL = (1.0, 1.0)


def shot(passed: np.ndarray, exposure: Exposure, seed: int = 0) -> np.ndarray:
    return expose(passed, exposure, PIXEL, np.random.default_rng(seed))


@pytest.mark.parametrize("photons", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("share", [0.05, 0.8])
def test_the_noise_is_the_photons(photons: float, share: float) -> None:
    counts = shot(np.full((200, 200), share), dataclasses.replace(PLAIN, photons=photons))
    expected = photons * share
    assert counts.mean() == pytest.approx(expected, abs=5 * np.sqrt(expected) / 200)
    assert counts.var() == pytest.approx(expected, rel=0.05)  # standard error 0.7 %


def test_more_dose_less_relative_noise() -> None:
    flat = np.full((100, 100), 0.1)
    doses = (1e3, 1e4, 1e5)
    shots = [shot(flat, dataclasses.replace(PLAIN, photons=dose)) for dose in doses]
    relative = np.array([counts.std() / counts.mean() for counts in shots])
    np.testing.assert_allclose(relative[:-1] / relative[1:], np.sqrt(10), rtol=0.1)


def test_read_out_noise_adds_to_it() -> None:
    noisy = dataclasses.replace(PLAIN, photons=100.0, electronic_noise=30.0)
    counts = shot(np.full((200, 200), 0.5), noisy)
    assert counts.var() == pytest.approx(50 + 900, rel=0.05)
    assert counts.min() < 0


@pytest.mark.parametrize("ratio", [0.1, 1.0, 3.0])
def test_the_scatter_to_primary_ratio_of_a_wide_body(ratio: float) -> None:
    primary = np.full((50, 60), 0.02)
    found = scattered(primary, ratio, PIXEL) / primary
    np.testing.assert_allclose(found, ratio * 0.98, rtol=1e-6)
    counts = shot(primary, dataclasses.replace(PLAIN, photons=1e8, scatter=ratio))
    assert counts.mean() / (1e8 * 0.02) - 1 == pytest.approx(ratio * 0.98, rel=1e-3)


def test_scatter_is_smooth_and_weakens_contrast() -> None:
    primary = np.full((200, 200), 0.2)
    primary[:, 100:] = 0.01
    scatter = scattered(primary, 1.0, PIXEL)
    across = scatter[100]
    assert across[0] > across[-1]
    assert np.abs(np.diff(across)).max() < 0.2 / SCATTER_MM  # no edge
    assert scatter[100, 140] > 0.02  # twice the primary behind the dense half
    contrast = np.log(primary[:, 60] / primary[:, 140]).mean()
    total = primary + scatter
    assert np.log(total[:, 60] / total[:, 140]).mean() < 0.8 * contrast


def test_an_open_beam_scatters_nothing() -> None:
    assert not scattered(np.ones((20, 20)), 2.0, PIXEL).any()
    assert not scattered(np.full((20, 20), 0.3), 0.0, PIXEL).any()


@pytest.mark.parametrize("sigma", [1.5, 3.0])
def test_the_blurs_width(sigma: float) -> None:
    point = np.zeros((61, 81))
    point[30, 40] = 1.0
    pixel = (0.8, 0.5)
    blurred = dataclasses.replace(PLAIN, photons=1e10, blur_mm=sigma)
    counts = expose(point, blurred, pixel, np.random.default_rng(0))
    rows, columns = np.indices(counts.shape)
    for place, centre, side in ((rows, 30, pixel[0]), (columns, 40, pixel[1])):
        spread = (counts * (place - centre) ** 2).sum() / counts.sum()
        assert np.sqrt(spread) * side == pytest.approx(sigma, rel=0.02)
    assert counts.sum() == pytest.approx(1e10, rel=1e-4)


def test_the_blur_weakens_the_photon_noise_but_not_the_read_out_noise() -> None:
    flat = np.full((200, 200), 0.5)
    sharp, soft = (shot(flat, dataclasses.replace(PLAIN, blur_mm=mm)) for mm in (0.0, 1.0))
    assert soft.var() == pytest.approx(sharp.var() / (4 * np.pi), rel=0.1)
    electronic = dataclasses.replace(PLAIN, photons=1.0, electronic_noise=50.0, blur_mm=1.0)
    assert shot(flat, electronic).std() == pytest.approx(50, rel=0.02)


def test_the_seed_decides() -> None:
    flat = np.full((8, 8), 0.5)
    assert np.array_equal(shot(flat, PLAIN, 3), shot(flat, PLAIN, 3))
    assert not np.array_equal(shot(flat, PLAIN, 3), shot(flat, PLAIN, 4))
