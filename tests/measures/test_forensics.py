"""Traces: spectrum, noise, grey levels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.errors import SynthmedError
from synthmed.measures.forensics import (
    RINGS,
    band_edges,
    forensic_features,
    rounded,
    tile_features,
)


def noise(n: int = 4, channels: int = 1, size: int = 32, scale: float = 0.2) -> np.ndarray:
    drawn = np.random.default_rng(0).normal(0, scale, (n, channels, size, size))
    return np.clip(drawn, -1, 1).astype(np.float32)


def test_white_noise_has_the_same_power_in_all_bands() -> None:
    power = forensic_features(noise(60, size=64))["spectrum"].mean(axis=0)
    assert power[1:] == pytest.approx(np.log10(0.04), abs=0.06)
    assert len(power) == RINGS + 1 == len(band_edges())


def test_a_wave_lies_in_its_band() -> None:
    wave = 0.5 * np.sin(2 * np.pi * 0.2 * np.arange(64))
    across = np.broadcast_to(wave, (1, 1, 64, 64))
    found = forensic_features(across)
    low, high = band_edges()[int(found["spectrum"][0].argmax())]
    assert low <= 0.2 < high
    upright, lying = found["axes"][0, :8], found["axes"][0, 8:]
    assert lying.max() > upright.max() + 1  # it runs along the rows


def test_a_weak_wave_stands_out_of_its_band() -> None:
    x = noise(20, size=64)
    rippled = np.clip(x + 0.05 * np.sin(2 * np.pi * 0.25 * np.arange(64)), -1, 1)
    plain, found = (forensic_features(y)["peaks"].mean(axis=0) for y in (x, rippled))
    assert int((found - plain).argmax()) == 8  # 0.25 to 0.28 cycles per pixel
    assert (found - plain).max() > 0.3


def test_blur_takes_fine_detail_and_noise() -> None:
    x = noise()
    sharp, blurred = (forensic_features(y) for y in (x, gaussian_filter(x, (0, 0, 1, 1))))
    assert (blurred["spectrum"][:, -4:] < sharp["spectrum"][:, -4:] - 1).all()
    assert (blurred["residual"][:, 0] < sharp["residual"][:, 0] - 0.5).all()
    assert (blurred["residual"][:, 4] > sharp["residual"][:, 4]).all()  # neighbours alike


def test_finer_grey_levels_than_those_of_a_file_are_not_seen() -> None:
    x = noise()
    a, b = forensic_features(x), forensic_features(rounded(x))
    assert all(np.array_equal(a[name], b[name]) for name in a)


def test_colour_is_seen_and_grey_has_none() -> None:
    grey = np.repeat(noise(), 3, axis=1)
    tinted = grey.copy()
    tinted[:, 0] = np.clip(tinted[:, 0] + 0.2, -1, 1)
    assert (forensic_features(tinted)["colour"] > forensic_features(grey)["colour"]).any()
    one, three = forensic_features(noise()), forensic_features(grey)
    assert all(np.allclose(one[name], three[name]) for name in one if name != "colour")


def test_black_images_are_no_trouble_and_small_ones_refused() -> None:
    black = forensic_features(np.full((1, 1, 16, 16), -1.0))
    assert all(np.isfinite(values).all() for values in black.values())
    with pytest.raises(SynthmedError, match="at least 16"):
        forensic_features(noise(size=8))


def test_tiles_show_where_something_lies() -> None:
    x = np.zeros((2, 1, 64, 64), np.float32)
    x[1, :, 8:16, 24:32] = noise(1, size=8)[0]
    a, b = tile_features(x)
    changed = np.abs(b - a).max(axis=-1) > 0.5
    assert changed[1, 3]
    assert changed.sum() <= 9  # and its neighbours, through the filter
    assert tile_features(noise(size=20)).shape == (4, 8, 8, 4)
