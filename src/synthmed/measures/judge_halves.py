"""How the halves of a symmetric organ differ, once it is turned upright: for brains."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, rotate

from synthmed.measures.arrays import Array

TAIL = (0.5, 0.75, 0.9, 0.95, 0.99)
ANGLES, SHIFTS = range(-9, 10, 3), range(-6, 7, 2)


def halves(image: Array) -> Array:
    """How the left half of a brain differs from the right, and what stands out in it.

    Args:
        image: (64, 64) grey, in [-1, 1]; it is turned and shifted so that it differs least from
            its mirror image.

    Returns:
        (58,) numbers of order 1.
    """
    error, straight, mirrored = _aligned(image)
    brain = (gaussian_filter(straight, 2) > -0.8) & (gaussian_filter(mirrored, 2) > -0.8)
    if not brain.any():
        brain[:] = True
    inside = straight[brain]
    found = [error, brain.mean(), inside.mean(), inside.std()]
    for sigma in (1, 2, 3, 4):
        difference = gaussian_filter(straight, sigma) - gaussian_filter(mirrored, sigma)
        signed = difference[brain]
        size = np.abs(signed)
        found += [size.mean(), *np.quantile(size, TAIL), size.max(), signed.max(), signed.min()]
    for sigma in (1, 2, 3):
        smooth = gaussian_filter(straight, sigma)[brain]
        centred = (smooth - np.median(smooth)) / (smooth.std() + 1e-6)
        found += [centred.max(), centred.min(), *np.quantile(centred, (0.02, 0.1, 0.9, 0.98))]
    return np.asarray(found)


def _aligned(image: Array) -> tuple[float, Array, Array]:
    """Turn an image so that it and its shifted mirror image differ least: error and both."""
    best: tuple[float, Array, Array] | None = None
    for angle in ANGLES:
        straight = rotate(image, angle, reshape=False, order=1, cval=-1.0) if angle else image
        for shift in SHIFTS:
            mirrored = np.roll(straight[:, ::-1], shift, axis=1)
            error = float(((straight - mirrored) ** 2).mean())
            if best is None or error < best[0]:
                best = (error, straight, mirrored)
    assert best is not None
    return best
