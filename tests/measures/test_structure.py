"""PSNR, SSIM and power spectra against closed forms."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.errors import SynthmedError
from synthmed.measures.structure import high_frequency_ratio, psnr, radial_power, ssim


def noise(n=4, size=64, std=0.3, seed=0):
    return np.random.default_rng(seed).normal(0, std, (n, 3, size, size))


def test_psnr_of_a_known_error():
    a = np.zeros((2, 1, 8, 8), np.float32)
    b = a.copy()
    b[0] += 0.2  # MSE 0.04: 10 log10(4 / 0.04) = 20 dB
    np.testing.assert_allclose(psnr(a, b), [20.0, np.inf], rtol=1e-6)
    np.testing.assert_allclose(psnr(a, b, data_range=1.0)[0], 13.979, atol=1e-3)


def test_ssim_of_constant_images_is_the_luminance_term():
    a, b = np.full((1, 1, 16, 16), 0.5), np.full((1, 1, 16, 16), -0.25)
    c1 = (0.01 * 2) ** 2
    expected = (2 * 1.5 * 0.75 + c1) / (1.5**2 + 0.75**2 + c1)  # counted from -1
    np.testing.assert_allclose(ssim(a, b), [expected], rtol=1e-12)


def test_ssim_of_a_single_window_equals_the_written_out_formula():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1, 1, 11, 11)) * 0.3
    g = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    w = np.outer(g, g) / g.sum() ** 2
    x, y = a[0, 0] + 1, b[0, 0] + 1
    mx, my = (w * x).sum(), (w * y).sum()
    vx, vy = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum()
    cov = (w * (x - mx) * (y - my)).sum()
    c1, c2 = 0.02**2, 0.06**2
    expected = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    np.testing.assert_allclose(ssim(a, b), [expected], rtol=1e-9)


def test_ssim_does_not_depend_on_where_the_range_lies():
    """Mid-greys that nearly agree are alike, as they are among values from 0 to 255."""
    a = np.zeros((1, 1, 16, 16))
    assert ssim(a, a + 0.05)[0] > 0.99
    x, y = np.clip(noise(n=2)[:, :1], -1, 1), np.clip(noise(n=2, seed=1)[:, :1], -1, 1)
    levels = ssim((x + 1) * 127.5, (y + 1) * 127.5, data_range=255.0, lowest=0.0)
    np.testing.assert_allclose(ssim(x, y), levels, rtol=1e-9)


def test_ssim_is_one_for_equal_images_and_falls_with_noise():
    a = noise()
    np.testing.assert_allclose(ssim(a, a), np.ones(4), rtol=1e-9)
    small, large = ssim(a, a + noise(std=0.05, seed=1)), ssim(a, a + noise(std=0.3, seed=1))
    assert (small > large + 0.1).all()


@pytest.mark.parametrize("window", ["hann", None])
def test_the_spectrum_of_white_noise_is_its_variance(window):
    frequency, power = radial_power(noise(n=64), window)
    np.testing.assert_allclose(power[3:], 0.09, rtol=0.08)
    np.testing.assert_allclose([frequency[0], frequency[-1]], [1 / 64, 0.5])


def test_a_wave_lies_in_its_ring():
    x = np.sin(2 * np.pi * 12 * np.arange(64) / 64)
    frequency, power = radial_power(np.broadcast_to(x, (1, 1, 64, 64)), None)
    assert frequency[power.argmax()] == 12 / 64
    assert power.max() / power.sum() > 0.999999


def test_power_adds_up_to_the_variance():
    """Parseval: rings times their numbers of coefficients, plus the corners."""
    images = noise(n=3, size=16)
    total = images.var(axis=(2, 3)).mean() * 256
    frequency, power = radial_power(images, None)
    rows, columns = np.meshgrid(np.fft.fftfreq(16), np.fft.fftfreq(16))
    ring = np.rint(np.hypot(rows, columns) * 16).astype(int)
    inside = sum(power[i] * (ring == i + 1).sum() for i in range(len(frequency)))
    assert 0.7 * total < inside < total


def test_the_window_removes_the_jump_between_opposite_edges():
    ramp = np.broadcast_to(np.linspace(-1, 1, 64), (1, 1, 64, 64))
    plain, windowed = radial_power(ramp, None)[1], radial_power(ramp)[1]
    assert windowed[-8:].mean() < 1e-4 * plain[-8:].mean()


def test_high_frequency_ratio_of_scaled_blurred_and_noisy_images():
    real = noise(n=16)
    assert high_frequency_ratio(real, 0.5 * real) == pytest.approx(0.25)
    assert high_frequency_ratio(real, real + 0.4) == pytest.approx(1.0)
    assert high_frequency_ratio(real, gaussian_filter(real, (0, 0, 1.5, 1.5))) < 0.05
    assert high_frequency_ratio(real, real + noise(n=16, seed=5)) == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize("measure", [psnr, ssim, high_frequency_ratio])
def test_uint8_images_are_refused_instead_of_wrapping_round(measure):
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
    with pytest.raises(SynthmedError, match="uint8"):
        measure(x, x)


def test_images_that_do_not_fit_are_refused():
    a = noise()
    with pytest.raises(SynthmedError, match="shapes"):
        psnr(a, a[:2])
    with pytest.raises(SynthmedError, match="11 × 11"):
        ssim(a[..., :8, :8], a[..., :8, :8])
    with pytest.raises(SynthmedError, match="cannot be compared"):
        high_frequency_ratio(a, a[..., :32, :32])
    with pytest.raises(SynthmedError, match="unknown window"):
        radial_power(a, "hamming")
    with pytest.raises(SynthmedError, match="no detail"):
        high_frequency_ratio(np.zeros((1, 1, 16, 16)), a[..., :16, :16])
    with pytest.raises(SynthmedError, match="not finite"):
        radial_power(a * np.nan)
