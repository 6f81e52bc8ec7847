"""A volume in RAS orientation, and its slices as radiologists see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.imaging.files import RefusedError
from synthmed.imaging.spec import FloatArray, ImageSpec, spec_range

AXES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class Volume:
    """A volume in RAS orientation: x grows to the patient's right, y to the front, z to the head.

    Attributes:
        values: float32 (X, Y, Z), in the unit (slope and intercept of the file applied).
        affine: (4, 4), voxel index to mm (RAS+).
        spacing: Size of a voxel along x, y and z, in mm.
        unit: "HU" or "stored value".
        value_range: The values that slices map to -1 and 1.
        bits: Bits of a stored voxel.
    """

    values: FloatArray
    affine: npt.NDArray[np.float64]
    spacing: tuple[float, float, float]
    unit: str
    value_range: tuple[float, float]
    bits: int

    def slice(self, axis: str | int, index: int) -> tuple[FloatArray, ImageSpec]:
        """Give one slice as radiologists see it.

        Axial: rows from front to back, columns from the patient's right to the left, so that the
        patient's right is on the image's left. Coronal: rows from head to feet, columns from right
        to left. Sagittal: rows from head to feet, columns from front to back.

        Args:
            axis: "sagittal" (0), "coronal" (1) or "axial" (2).
            index: Number of the slice along the axis, from the patient's left, back or feet.

        Returns:
            The slice, float32 (1, H, W), and its spec.

        Raises:
            SynthmedError: No such axis or slice.
        """
        number = _axis(axis)
        rows, columns = [a for a in (2, 1, 0) if a != number]
        low, high = self.value_range
        spec = spec_range(
            *(1, self.bits, low, high, "NIFTI"),
            unit=self.unit,
            modality="CT" if self.unit == "HU" else "",
            spacing=(self.spacing[rows], self.spacing[columns]),
        )
        return spec.from_value(self._plane(number, index)[None]), spec

    def labels(self, axis: str | int, index: int) -> npt.NDArray[np.uint16]:
        """Give one slice of a label volume, uint16 (H, W), lying as `slice` does.

        Raises:
            SynthmedError: No such axis or slice; values that are no whole numbers 0 to 65535.
        """
        plane = self._plane(_axis(axis), index)
        if not (np.array_equal(np.rint(plane), plane) and 0 <= plane.min() <= plane.max() <= 65535):
            raise RefusedError("labels are whole numbers from 0 to 65535")
        return plane.astype(np.uint16)

    def _plane(self, axis: int, index: int) -> FloatArray:
        if not 0 <= index < self.values.shape[axis]:
            raise RefusedError(
                f"no {AXES[axis]} slice {index}: this volume has {self.values.shape[axis]}"
            )
        plane: npt.NDArray[Any] = np.take(self.values, [index], axis=axis).squeeze(axis)
        return np.ascontiguousarray(plane[::-1, ::-1].T)


def _axis(axis: str | int) -> int:
    number = AXES.index(axis) if axis in AXES else axis
    if not isinstance(number, int) or not 0 <= number < 3:
        raise RefusedError(f"no axis {axis!r}", mend=f"Known: {', '.join(AXES)}")
    return number
