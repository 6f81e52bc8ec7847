"""Take the scanner's table, blankets and tubes out of a CT: no radiograph shows them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from synthmed.xray.geometry import Float64, spacing_of

AIR_HU = -1000.0
_SOLID_HU = -400.0
_THIN_MM = 4.0  # half the thickness of what is taken out
_SHARE = 0.02  # of the largest part; smaller ones are no limbs


def without_table(hu_XYZ: npt.NDArray[np.float32], affine: Float64) -> npt.NDArray[np.float32]:
    """Set everything outside the body to air.

    What is denser than -400 HU and thicker than about 8 mm makes the parts; the largest and those
    of at least 2 % of its size (arms, legs) are the body, with what hangs on them within about
    8 mm, with everything that they enclose in an axial slice (lungs, bowel), and with a margin of
    one voxel. A table that is thicker stays.

    Args:
        hu_XYZ: Hounsfield units, (X, Y, Z), the third axis along the body.
        affine: (4, 4) of the volume.

    Returns:
        A new volume, float32 (X, Y, Z); the same values inside the body. A volume without a body
        comes back as it is.
    """
    solid = hu_XYZ > _SOLID_HU
    steps = [max(1, round(_THIN_MM / float(side))) for side in spacing_of(affine)]
    thick = _grown(_shrunk(solid, steps), steps)
    parts, count = ndimage.label(thick)
    if not count:
        return hu_XYZ.copy()
    sizes = np.bincount(parts.ravel())[1:]
    body = np.isin(parts, 1 + np.flatnonzero(sizes >= _SHARE * sizes.max()))
    body = _grown(body, steps) & solid
    for z in range(body.shape[2]):
        body[:, :, z] = ndimage.binary_fill_holes(body[:, :, z])
    inside = _grown(body, [1, 1, 1])
    return np.where(inside, hu_XYZ, np.float32(AIR_HU))


def _grown(mask: npt.NDArray[np.bool_], steps: list[int]) -> npt.NDArray[np.bool_]:
    """Dilate by a box of half widths in voxels, one axis at a time."""
    grown: npt.NDArray[np.bool_] = mask
    for axis, step in enumerate(steps):
        grown = ndimage.maximum_filter1d(grown.view(np.uint8), 2 * step + 1, axis).view(bool)
    return grown


def _shrunk(mask: npt.NDArray[np.bool_], steps: list[int]) -> npt.NDArray[np.bool_]:
    """Erode by the same box; beyond the volume its border goes on."""
    shrunk: npt.NDArray[np.bool_] = mask
    for axis, step in enumerate(steps):
        least = ndimage.minimum_filter1d(shrunk.view(np.uint8), 2 * step + 1, axis, mode="nearest")
        shrunk = least.view(bool)
    return shrunk
