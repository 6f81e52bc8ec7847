"""The detector: scatter, photon statistics, blur and read-out noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from synthmed.xray.exposure import Exposure

SCATTER_MM = 30.0  # standard deviation of the scatter's spread at the detector
Float64 = npt.NDArray[np.float64]


def scattered(passed_HW: Float64, ratio: float, pixel_mm: tuple[float, float]) -> Float64:
    """Give the scatter that reaches the detector, as a share of the open beam.

    A smooth model, no transport of photons: the primary radiation, weighted by the share that the
    body took out of it (open beams scatter nothing), blurred by a Gaussian of 30 mm. Behind a wide
    body of transmission T the scatter-to-primary ratio is ratio * (1 - T).

    Args:
        passed_HW: Transmission of the primary beam, in [0, 1].
        ratio: `Exposure.scatter`.
        pixel_mm: Height and width of a pixel.

    Returns:
        float64 (H, W), at least 0.
    """
    if ratio == 0:
        return np.zeros_like(passed_HW)
    source = passed_HW * (1 - passed_HW)
    return ratio * _blurred(source, SCATTER_MM, pixel_mm)


def expose(
    passed_HW: Float64, exposure: Exposure, pixel_mm: tuple[float, float], rng: np.random.Generator
) -> Float64:
    """Count photons: Poisson statistics of primary and scatter, then blur, then read-out noise.

    Each photon counts alike, whatever its energy, so that a pixel's count is Poisson for every
    spectrum. The blur spreads what was counted: it correlates and weakens the photon noise.

    Args:
        passed_HW: Transmission of the primary beam, in [0, 1].
        exposure: Dose, scatter, blur and noise.
        pixel_mm: Height and width of a pixel.
        rng: Where the photons and the noise are drawn from.

    Returns:
        float64 (H, W), in photons; read-out noise can make it negative.
    """
    mean = exposure.photons * (passed_HW + scattered(passed_HW, exposure.scatter, pixel_mm))
    counts = rng.poisson(mean).astype(np.float64)
    noise = rng.normal(0.0, 1.0, counts.shape)
    return _blurred(counts, exposure.blur_mm, pixel_mm) + exposure.electronic_noise * noise


def _blurred(image_HW: Float64, sigma_mm: float, pixel_mm: tuple[float, float]) -> Float64:
    """Blur by a Gaussian; the image is mirrored at its edges, so that nothing is lost."""
    sigma = [sigma_mm / side for side in pixel_mm]
    blurred: Float64 = gaussian_filter(image_HW, sigma, mode="reflect")
    return blurred
