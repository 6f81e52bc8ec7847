"""One slice of a CT series: where it lies, and its Hounsfield units.

Source: DICOM PS3.3, C.7.6.2.1.1: Image Position and Orientation (Patient), in LPS coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthmed.datasets.importers.deidentify import text_of
from synthmed.errors import SynthmedError
from synthmed.imaging.dicom import open_dicom, read_header
from synthmed.imaging.files import shown

if TYPE_CHECKING:
    from pydicom import Dataset

Floats = npt.NDArray[np.float64]
_ANGLE = 1e-2  # greatest error of the direction cosines' products


@dataclass(frozen=True)
class Slice:
    """Where a slice lies.

    Attributes:
        file: The DICOM file.
        position: Middle of its first pixel, (3,) mm, LPS.
        axes: Directions along a row and along a column, (2, 3).
        spacing: Distance of rows and of columns, in mm.
        size: Rows and columns.
    """

    file: Path
    position: Floats
    axes: Floats
    spacing: tuple[float, float]
    size: tuple[int, int]


def read_slice(file: Path) -> Slice:
    """Read where a slice lies.

    Raises:
        SynthmedError: The header does not say, or the file holds several frames.
    """
    header = read_header(file)
    if text_of(header, "NumberOfFrames") not in ("", "0", "1"):
        raise SynthmedError(
            "an enhanced (multi-frame) CT is not read",
            where=shown(file),
            mend="Convert it to NIfTI, or to one file a slice.",
        )
    axes = _numbers(header, "ImageOrientationPatient", 6, file).reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > _ANGLE:
        raise SynthmedError("the slice's directions are not at right angles", where=shown(file))
    rows, columns = _numbers(header, "PixelSpacing", 2, file).tolist()
    if not (rows > 0 and columns > 0):
        raise SynthmedError("the pixel spacing is not positive", where=shown(file))
    position = _numbers(header, "ImagePositionPatient", 3, file)
    size = _numbers(header, "Rows", 1, file)[0], _numbers(header, "Columns", 1, file)[0]
    return Slice(file, position, axes, (rows, columns), (int(size[0]), int(size[1])))


def _numbers(header: Dataset, keyword: str, count: int, file: Path) -> Floats:
    try:
        numbers = np.array([float(part) for part in text_of(header, keyword).split("\\")])
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise SynthmedError(f"the header lacks {keyword}", where=shown(file))
    return numbers


def hounsfield(one: Slice) -> Floats:
    """Read a slice's Hounsfield units (rows, columns).

    Raises:
        SynthmedError: It is not in Hounsfield units, or its pixels cannot be read.
    """
    x, spec = open_dicom(one.file)
    if spec.unit != "HU" or x.shape[0] != 1:
        raise SynthmedError(
            f"no HU calibration: the pixels are in {spec.unit!r}, not Hounsfield units",
            where=shown(one.file),
            mend="The header needs Rescale Slope and Rescale Intercept.",
        )
    return np.rint(spec.to_value(x[0]) * 64) / 64  # float32 of [-1, 1] holds 1/4096 HU
