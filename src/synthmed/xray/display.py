"""From photon counts to the image that is looked at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthmed.xray.exposure import Exposure

PERCENTILES = (1.0, 99.0)
OPEN = 0.7  # transmission of the open beam and of thin edges
LEAST_COVERED = 0.02  # of the pixels; below, all count


def displayed(
    counts_HW: npt.NDArray[np.float64], exposure: Exposure
) -> tuple[npt.NDArray[np.float32], tuple[float, float]]:
    """Give the image of photon counts.

    The display value is minus the logarithm of the transmission (counts below one photon count as
    one), or minus the transmission: what absorbs is bright. The window maps it to [-1, 1].

    Args:
        counts_HW: Photons.
        exposure: Dose, display, window and MONOCHROME1.

    Returns:
        float32 (1, H, W) in [-1, 1], and the window that was used, in display values.
    """
    passed = counts_HW / exposure.photons
    if exposure.display == "log":
        value = -np.log(np.maximum(passed, 1 / exposure.photons))
    else:
        value = -passed
    low, high = exposure.window or robust_window(value, passed < OPEN)
    image = np.clip(2 * (value - low) / (high - low) - 1, -1, 1).astype(np.float32)
    return (-image if exposure.monochrome1 else image)[None], (low, high)


def robust_window(
    value_HW: npt.NDArray[np.float64], covered_HW: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Give the 1st and 99th percentile of the covered pixels, at least 1e-6 apart.

    The open beam beside the body is left out, as radiography systems do, so that the image's
    contrast does not depend on how much air the field shows.

    Args:
        value_HW: Display values.
        covered_HW: Where a body weakens the beam; under 2 % of the pixels, all of them count.
    """
    enough = covered_HW.mean() >= LEAST_COVERED
    chosen = value_HW[covered_HW] if enough else value_HW
    low, high = (float(p) for p in np.percentile(chosen, PERCENTILES))
    return low, max(high, low + 1e-6)
