"""CT volumes in Hounsfield units, from a NIfTI file or a DICOM series, with organ labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.imaging.files import Path_, shown
from synthmed.imaging.kinds import kind_of
from synthmed.imaging.nifti import open_volume
from synthmed.xray.nifti_header import check_nifti
from synthmed.xray.organ_names import read_names
from synthmed.xray.organs import read_labels
from synthmed.xray.series import choose_series, find_series
from synthmed.xray.stacking import read_slices

LEAST_HU = -1024.0  # below lies padding outside the scanner's circle
_MOST_HU = 32767.0
_LEAST_SPAN = 100.0  # HU; images scaled to [0, 1] or to z-scores span less
_MOST_AIR_HU = -300.0  # of air and lung; fat begins at about -150
_LEAST_AIR = 0.001  # their share of the voxels
_SKEW = 0.01  # cosine of the angle between two axes of the grid


@dataclass(frozen=True)
class CT:
    """A CT volume; what is rendered.

    Attributes:
        hu_XYZ: Hounsfield units, float32, at least -1024; RAS orientation: x grows to the
            patient's right, y to the front, z to the head.
        affine: (4, 4), voxel index to mm (RAS+).
        labels_XYZ: Organ labels on the same grid, uint16, 0 is background; None without labels.
        names: Organ name by label number.
        key: Pseudonymous id of the patient or volume; the group of every render.
    """

    hu_XYZ: npt.NDArray[np.float32]  # noqa: N815
    affine: npt.NDArray[np.float64]
    labels_XYZ: npt.NDArray[np.uint16] | None  # noqa: N815
    names: dict[int, str]
    key: str


def read_ct(
    path: Path_,
    labels: Path_ | None = None,
    names: Path_ | Mapping[int, str] | None = None,
    *,
    series: str | None = None,
) -> CT:
    """Read a CT volume.

    Args:
        path: A NIfTI file in Hounsfield units, a folder with one series of CT slices in DICOM
            (looked for in its subfolders too), or a folder with several, one of which `series`
            names.
        labels: NIfTI file of organ labels on the CT's own grid.
        names: Organ name by label number, or a JSON or CSV file of them (`organ_names.read_names`).
        series: Series Instance UID.

    Returns:
        The volume. Its key is "ct:" and a hash of the voxels and the grid, which tells nothing of
        the patient; values below -1024 HU are set to it.

    Raises:
        SynthmedError: The file is damaged or no CT; no Hounsfield units (no Rescale Intercept,
            a least value of 0 or more, a span below 100, no air and no lung); a fourth dimension;
            one slice only; gaps, unequal distances, two slices at one position, a tilted gantry;
            several series and no choice; labels of another grid.
    """
    place = Path(path)
    if place.is_dir() or kind_of(place) == "DICOM":
        return read_dicom_ct(choose_series(find_series(place), place, series).files, labels, names)
    volume = open_volume(place, unit="HU")
    check_nifti(place)
    return _ct(place, volume.values, volume.affine, labels, names)


def read_dicom_ct(
    files: tuple[Path, ...],
    labels: Path_ | None = None,
    names: Path_ | Mapping[int, str] | None = None,
) -> CT:
    """Read the CT volume of the files of one DICOM series; as `read_ct` otherwise."""
    values, affine = read_slices(files)
    return _ct(files[0].parent, values, affine, labels, names)


def _ct(
    place: Path,
    values: npt.NDArray[np.float32],
    affine: npt.NDArray[np.float64],
    labels: Path_ | None,
    names: Path_ | Mapping[int, str] | None,
) -> CT:
    check_grid(values.shape, affine, place)
    check_hu(values, place)
    hu = np.ascontiguousarray(np.maximum(values, np.float32(LEAST_HU)))
    known = dict(names) if isinstance(names, Mapping) else read_names(names) if names else {}
    organs = None if labels is None else read_labels(labels, hu.shape, affine)
    return CT(hu, affine, organs, known, f"ct:{_digest(hu, affine)}")


def check_hu(values: npt.NDArray[np.float32], place: Path_) -> None:
    """Refuse values that cannot be Hounsfield units.

    Args:
        values: The voxels, any shape.
        place: The file or folder, for the error.

    Raises:
        SynthmedError: Values that are not finite; a least value of 0 or more (air is -1000 HU), a
            greatest of 0 or less, a span below 100, or values beyond 16 bits; of the values from
            -1024 on, 0.1 % or fewer up to -300, where air and lung lie (stored values with padding,
            scores, MR; a crop of soft tissue cannot be told from them).
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise SynthmedError("the CT holds values that are not finite", where=shown(place))
    reason, needed = "", "."
    if low >= 0:
        reason = "; air would be -1000"
    elif high <= 0 or high - low < _LEAST_SPAN:
        reason = "; air is -1000, water 0, bone above 300"
    elif high > _MOST_HU or low < -_MOST_HU - 1:
        reason = "; that is beyond 16 bits"
    elif _share_of_air(values) <= _LEAST_AIR:
        reason = "; hardly any lie between -1024 and -300, as air and lung do"
        needed = ", with some air or lung in it."
    if reason:
        raise SynthmedError(
            f"no HU calibration: the values go from {low:g} to {high:g}{reason}",
            where=shown(place),
            mend=f"Give the volume in Hounsfield units (rescale applied){needed}",
        )


def _share_of_air(values: npt.NDArray[np.float32]) -> float:
    """Give the share of air and lung among the voxels that are no padding."""
    inside = values >= LEAST_HU - 0.5
    return float(np.count_nonzero(inside & (values <= _MOST_AIR_HU)) / np.count_nonzero(inside))


def check_grid(shape: tuple[int, ...], affine: npt.NDArray[np.float64], place: Path_) -> None:
    """Refuse a grid that is no volume of right-angled voxels.

    Raises:
        SynthmedError: One slice only, or axes that are not at right angles (a tilted gantry).
    """
    if min(shape) < 2:
        raise SynthmedError(
            f"one slice is no volume: {' x '.join(map(str, shape))} voxels",
            where=shown(place),
            mend="Give the whole series.",
        )
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    skew = np.abs(axes.T @ axes - np.eye(3)).max()
    if skew > _SKEW:
        degrees = float(np.degrees(np.arcsin(min(1.0, skew))))
        raise SynthmedError(
            f"the axes of the grid are {degrees:.1f} degrees off the right angle (gantry tilt?)",
            where=shown(place),
            mend="Resample the volume to a right-angled grid first.",
        )


def _digest(hu: npt.NDArray[np.float32], affine: npt.NDArray[np.float64]) -> str:
    """Give 32 hexadecimal digits of the SHA-256 of voxels, shape and grid."""
    digest = hashlib.sha256(f"{hu.shape}{(np.round(affine, 4) + 0.0).tolist()}".encode())
    digest.update(hu.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:32]
