"""Differences of spectra against closed forms and the plain functions."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.errors import SynthmedError
from synthmed.measures.blocks import WHOLE, Dealt
from synthmed.measures.spectrum import band_differences, spectrum_difference, spectrum_family
from synthmed.measures.structure import high_frequency_ratio, radial_power


def noise(n=40, size=32, std=0.3, seed=0, width=None):
    return np.random.default_rng(seed).normal(0, std, (n, 1, size, width or size))


@pytest.mark.parametrize("width", [32, 33, 48])
def test_equals_the_log_ratio_of_radial_powers(width):
    real, synthetic = noise(8, width=width), noise(9, seed=1, std=0.4, width=width)
    powers = [radial_power(x)[1] for x in (real, synthetic)]
    expected = np.sqrt(((10 * np.log10(powers[1] / powers[0])) ** 2).mean())
    assert spectrum_difference(real, synthetic) == pytest.approx(expected, rel=1e-10)
    sides = Dealt.whole(real), Dealt.whole(synthetic)
    found = spectrum_family(*sides, WHOLE, ["high-frequency-ratio"]).values
    assert list(found) == ["high-frequency-ratio"]
    expected = high_frequency_ratio(real, synthetic)
    assert found["high-frequency-ratio"][0] == pytest.approx(expected, rel=1e-10)


def test_a_known_factor():
    """Half the amplitude is a quarter of the power: 6.02 dB in every band."""
    x = noise()
    assert spectrum_difference(x, 0.5 * x + 0.1) == pytest.approx(20 * np.log10(2), rel=1e-9)
    assert list(band_differences(x, 0.5 * x).values()) == pytest.approx([-6.0206] * 4, abs=1e-3)


def test_blur_and_noise_show_in_their_bands():
    x = gaussian_filter(noise(), (0, 0, 1, 1))
    blurred = band_differences(x, gaussian_filter(x, (0, 0, 1, 1)))
    noisy = band_differences(x, x + noise(std=0.05, seed=3))
    assert list(blurred) == ["0 to 0.0625", "0.0625 to 0.125", "0.125 to 0.25", "0.25 to 0.5"]
    assert blurred["0.25 to 0.5"] < -10 < -1 < blurred["0 to 0.0625"] <= 0
    assert noisy["0.25 to 0.5"] > 3 > 0.5 > abs(noisy["0 to 0.0625"])


def test_it_grows_with_blur():
    x = noise()
    values = [spectrum_difference(x, gaussian_filter(x, (0, 0, s, s))) for s in (0, 0.4, 0.8, 1.6)]
    assert values == sorted(values)
    assert values[0] == pytest.approx(0.0, abs=1e-9)


def test_small_images_have_no_low_bands():
    x = noise(size=8)
    assert list(band_differences(x, x)) == ["0.0625 to 0.125", "0.125 to 0.25", "0.25 to 0.5"]


def test_what_does_not_fit_is_refused():
    x = noise()
    with pytest.raises(SynthmedError, match="cannot be compared"):
        spectrum_difference(x, x[..., :16])
    with pytest.raises(SynthmedError, match="without power"):
        spectrum_difference(x, np.zeros_like(x))
    with pytest.raises(SynthmedError, match="uint8"):
        spectrum_difference(x.astype(np.uint8), x)
    with pytest.raises(SynthmedError, match="not finite"):
        spectrum_difference(x, x * np.nan)
