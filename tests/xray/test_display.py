"""Display: what absorbs is bright, the window is recorded, MONOCHROME1 is the inverse."""

import dataclasses

import numpy as np
import pytest

from synthmed.xray.display import displayed
from synthmed.xray.exposure import Exposure

COUNTS = 1e4 * np.exp(-np.linspace(0, 5, 400)).reshape(20, 20)  # from air to bone
PLAIN = Exposure("plain", photons=1e4)


def test_the_logarithm_is_linear_in_the_attenuation() -> None:
    image, window = displayed(COUNTS, dataclasses.replace(PLAIN, window=(0.0, 5.0)))
    assert image.shape == (1, 20, 20)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image.ravel(), np.linspace(-1, 1, 400), atol=1e-6)
    assert window == (0.0, 5.0)


def test_linear_is_minus_the_transmission() -> None:
    image, window = displayed(COUNTS, dataclasses.replace(PLAIN, display="linear", window=(-1, 0)))
    np.testing.assert_allclose(image[0], 1 - 2 * COUNTS / 1e4, atol=1e-6)
    assert window == (-1, 0)
    assert image[0, 0, 0] == -1
    assert image[0, -1, -1] > 0.98


@pytest.mark.parametrize("display", ["log", "linear"])
def test_the_robust_window_is_the_percentiles_of_what_is_covered(display: str) -> None:
    exposure = dataclasses.replace(PLAIN, display=display)
    image, (low, high) = displayed(COUNTS, exposure)
    fixed, _ = displayed(COUNTS, dataclasses.replace(exposure, window=(low, high)))
    assert np.array_equal(image, fixed)
    passed = COUNTS.ravel() / 1e4
    covered = passed[passed < 0.7]
    value = -np.log(covered) if display == "log" else -covered
    np.testing.assert_allclose((low, high), np.percentile(value, (1, 99)))
    assert image.min() == -1
    assert image.max() == 1
    # More air around the body changes nothing, nor do a few dead pixels.
    wide = np.concatenate([COUNTS, np.full((60, 20), 1e4)])
    assert displayed(wide, exposure)[1] == (low, high)
    dead = COUNTS.copy()
    dead[0, :2] = 0.0
    assert displayed(dead, exposure)[1][1] < high + 0.05


def test_a_nearly_empty_image_counts_whole() -> None:
    counts = np.full((20, 20), 9900.0)
    counts[3, 3] = 100.0
    image, (low, high) = displayed(counts, PLAIN)
    assert low == high - 1e-6 == pytest.approx(-np.log(0.99))
    assert image[0, 0, 0] == -1
    assert image[0, 3, 3] == 1


def test_monochrome1_is_the_inverse() -> None:
    image, window = displayed(COUNTS, PLAIN)
    inverted, same = displayed(COUNTS, dataclasses.replace(PLAIN, monochrome1=True))
    assert np.array_equal(inverted, -image)
    assert same == window
    assert image[0, 0, 0] == -1
    assert inverted[0, 0, 0] == 1


def test_counts_of_nothing_and_flat_fields_give_numbers() -> None:
    for counts in (np.full((4, 4), -30.0), np.zeros((4, 4)), np.full((4, 4), 1e4)):
        for display in ("log", "linear"):
            image, _ = displayed(counts, dataclasses.replace(PLAIN, display=display))
            assert np.isfinite(image).all()
            assert np.abs(image).max() <= 1
