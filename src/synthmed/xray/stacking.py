"""Stack the slices of a CT series into a volume; what is no regular stack is refused."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.imaging.files import shown
from synthmed.imaging.nifti import MAX_VOXELS
from synthmed.xray.slices import Floats, Slice, hounsfield, read_slice

_TURN = 1e-3  # greatest difference of two slices' direction cosines
_UNEVEN = 0.02  # of the slice distance; positions are rounded to about 0.01 mm
_ROUNDED_MM = 0.02
_SHIFT_MM = 0.1  # of neighbouring slices against each other, within their plane
_DRIFT_MM = 1.0  # of the last slice against the first: small shifts that add up


def read_slices(files: tuple[Path, ...]) -> tuple[npt.NDArray[np.float32], Floats]:
    """Read the slices of one series as a volume.

    Args:
        files: One slice each, in any order.

    Returns:
        Hounsfield units, float32 (X, Y, Z) in RAS orientation, and the affine, voxel index to mm.

    Raises:
        SynthmedError: A file cannot be read, holds several frames, or is not in HU; the slices
            differ in size, spacing or direction; a slice is missing or there twice, distances are
            unequal, or the gantry was tilted; more voxels than `MAX_VOXELS`.
    """
    place = files[0].parent
    slices = [read_slice(file) for file in files]
    _check_alike(slices, place)
    normal = np.cross(*slices[0].axes)
    slices.sort(key=lambda s: float(s.position @ normal))
    positions = np.array([s.position for s in slices])
    distance = _distance(positions, normal, place)
    rows, columns = slices[0].size
    if rows * columns * len(slices) > MAX_VOXELS:
        raise SynthmedError(f"more voxels than the {MAX_VOXELS:,} allowed", where=shown(place))
    volume = np.empty((columns, rows, len(slices)), np.float32)
    for k, one in enumerate(slices):
        volume[:, :, k] = hounsfield(one).T
    affine = np.eye(4)
    affine[:3, 0] = slices[0].axes[0] * slices[0].spacing[1]
    affine[:3, 1] = slices[0].axes[1] * slices[0].spacing[0]
    affine[:3, 2] = normal * distance
    affine[:3, 3] = positions[0]
    return _to_ras(volume, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def _to_ras(
    volume: npt.NDArray[np.float32], affine: Floats
) -> tuple[npt.NDArray[np.float32], Floats]:
    orientation = nib.orientations.io_orientation(affine)
    turned = nib.orientations.apply_orientation(volume, orientation)
    return turned, affine @ nib.orientations.inv_ornt_aff(orientation, volume.shape)


def _check_alike(slices: list[Slice], place: Path) -> None:
    first = slices[0]
    if len(slices) < 2:
        raise SynthmedError(
            "one slice is no volume", where=shown(place), mend="Give the whole series."
        )
    for one in slices[1:]:
        alike = {
            "size": one.size == first.size,
            "pixel spacing": bool(np.allclose(one.spacing, first.spacing, rtol=_TURN)),
            "direction": bool(np.abs(one.axes - first.axes).max() <= _TURN),
        }
        if not all(alike.values()):
            names = " and ".join(name for name, same in alike.items() if not same)
            raise SynthmedError(f"the slices of the series differ in {names}", where=shown(place))


def _distance(positions: Floats, normal: Floats, place: Path) -> float:
    """Give the distance of neighbouring slices, in mm.

    Args:
        positions: (N, 3), in the order of the slices.
        normal: (3,), the slices' normal.
        place: The folder, for errors.

    Raises:
        SynthmedError: The slices are no regular stack; the error says all that is wrong.
    """
    steps = np.diff(positions, axis=0)
    along = steps @ normal
    distance = float(np.median(along))
    sideways = steps - along[:, None] * normal
    aside = np.linalg.norm(sideways, axis=1)
    drift = float(np.linalg.norm(sideways.sum(0)))  # of all slices together
    faults = _uneven(along, distance)
    shifted = bool(aside.max() > _SHIFT_MM)
    if (drift > 0.9 * aside.sum()) if shifted else (drift > _DRIFT_MM):
        tilt = float(np.degrees(np.arctan2(drift, along.sum())))
        faults.append(f"the gantry was tilted by about {tilt:.1f} degrees")
    elif shifted:
        faults.append(f"slices lie up to {aside.max():.2f} mm beside each other")
    if faults:
        raise SynthmedError(
            f"the slices are no regular stack: {'; '.join(faults)}",
            where=shown(place),
            mend="Give the whole series, or resample it to a regular grid and save it as NIfTI.",
        )
    return distance


def _uneven(along: Floats, distance: float) -> list[str]:
    """Say what is wrong with the distances of neighbouring slices."""
    twice = int((along < _ROUNDED_MM).sum())
    if twice:
        return [f"{twice} slices lie where another one lies"]
    wrong = np.abs(along - distance) > max(_ROUNDED_MM, _UNEVEN * distance)
    if not wrong.any():
        return []
    missing = along[wrong] / distance
    if (np.abs(missing - np.rint(missing)) < 0.1).all() and (missing > 1.5).all():
        count = int(np.rint(missing).sum() - wrong.sum())
        return [f"{count} slices are missing in {int(wrong.sum())} gaps"]
    return [f"their distances go from {along.min():.2f} to {along.max():.2f} mm"]
