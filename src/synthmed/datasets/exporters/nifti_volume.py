"""Slices to a NIfTI volume with an affine that puts the patient's left and right where they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.exporters.pixels import meaning_of, read_levels, spacing_of
from synthmed.datasets.exporters.pixels import number as number_of
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.reading import open_mask

MAX_VOXELS = 1 << 29  # a volume above this is not held in memory
# Directions (RAS+) of columns, rows and slices, as slices are shown: the patient's right on the
# image's left; axial from the front down, the others from the head down; slices counted from the
# feet (axial), the back (coronal) and the left (sagittal; columns run from front to back).
PLANES = {
    "axial": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "coronal": ((-1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "sagittal": ((0, -1, 0), (0, 0, -1), (1, 0, 0)),
}


@dataclass(frozen=True)
class Stack:
    """A volume and what its header says.

    Attributes:
        voxels: As stored, (X, Y, Z) or, in colour of 16 bits, (X, Y, Z, 1, 3); X counts columns,
            Y rows, Z slices.
        affine: (4, 4), voxel index to mm (RAS+).
        slope: Units per stored level; None where no unit is known.
        intercept: Value of level 0.
        unit: Name of the unit, "" if unknown.
        bits: Bits per channel.
        spacing_known: All of row, column and (for several slices) slice spacing are known.
        orientation: How the axes were chosen, in words.
    """

    voxels: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]
    slope: float | None
    intercept: float
    unit: str
    bits: int
    spacing_known: bool
    orientation: str


def read_stack(
    rows: Sequence[Row], slice_number: Callable[[Row], float | None], slice_spacing: float | None
) -> Stack:
    """Stack the images of rows, in their order.

    Args:
        rows: One row, or the slices of one series.
        slice_number: Gives a slice's number; gaps and doubles are refused.
        slice_spacing: Distance of neighbouring slices in mm where the rows do not say it.

    Returns:
        The stack; spacings that are not known are 1 and said to be unknown.

    Raises:
        SynthmedError: Slices of different sizes, meanings or spacings; gaps; too many voxels; an
            image that cannot be read.
    """
    first, bits = read_levels(rows[0].file)
    if first.size * len(rows) > MAX_VOXELS:
        raise SynthmedError(f"the volume has more than {MAX_VOXELS:,} voxels")
    levels = np.empty((len(rows), *first.shape), first.dtype)
    for index, row in enumerate(rows):
        plane, own = (first, bits) if index == 0 else read_levels(row.file)
        if plane.shape != first.shape or own != bits:
            raise SynthmedError("the slices of this series differ in size, colour or bit depth")
        levels[index] = plane
    meanings = {meaning_of(row, bits) for row in rows}
    if len({(m.slope, m.intercept, m.unit) if m else None for m in meanings}) > 1:
        raise SynthmedError("the slices of this series differ in what their values mean")
    meaning = next(iter(meanings))
    step = _step(rows, slice_number)
    affine, known, orientation = _affine(rows, step, slice_spacing, first.shape)
    return Stack(
        voxels=_arrange(levels),
        affine=affine,
        slope=meaning.slope if meaning else None,
        intercept=meaning.intercept if meaning else 0.0,
        unit=meaning.unit if meaning else "",
        bits=bits,
        spacing_known=known,
        orientation=orientation,
    )


def spacing_known(rows: Sequence[Row], slice_spacing: float | None) -> bool:
    """Whether a file of these rows can state its spacings; see `read_stack`."""
    between = number_of(rows[0], "spacing_slice") or slice_spacing
    return spacing_of(rows[0]) is not None and (between is not None or len(rows) == 1)


def read_mask_stack(paths: Sequence[Path], like: Stack) -> Stack:
    """Stack masks on the affine of the images' stack: uint8 or uint16 labels.

    Raises:
        SynthmedError: A mask of another size than its image.
    """
    planes = [open_mask(path) for path in paths]
    if {plane.shape for plane in planes} != {like.voxels.shape[1::-1]}:
        raise SynthmedError("a mask has another size than its image")
    labels = np.stack(planes)[:, None]
    bits = labels.dtype.itemsize * 8
    return replace(like, voxels=_arrange(labels), slope=None, intercept=0.0, unit="", bits=bits)


def to_bytes(stack: Stack) -> bytes:
    """Give the bytes of a NIfTI-1 file (.nii); sform and qform of code 2 (aligned)."""
    import nibabel as nib

    image = nib.Nifti1Image(stack.voxels, stack.affine, dtype=stack.voxels.dtype)
    header = image.header
    image.set_sform(stack.affine, code=2)
    image.set_qform(stack.affine, code=2)
    header.set_xyzt_units("mm" if stack.spacing_known else "unknown")
    if stack.slope is not None and stack.voxels.ndim == 3 and stack.voxels.dtype.names is None:
        header.set_slope_inter(stack.slope, stack.intercept)
    if stack.voxels.ndim == 5:
        header.set_intent("vector")
    return bytes(image.to_bytes())


def _step(rows: Sequence[Row], slice_number: Callable[[Row], float | None]) -> float:
    """Give the constant step between slice numbers, 1 for a single image."""
    numbers = [slice_number(row) or 0.0 for row in rows]
    steps = np.diff(numbers)
    if len(steps) == 0:
        return 1.0
    if not (steps > 0).all() or not math.isclose(steps.min(), steps.max()):
        raise SynthmedError("the slices of this series have gaps or double numbers")
    if steps[0] > 1e4:
        raise SynthmedError(f"the slices of this series are numbered in steps of {steps[0]:g}")
    return float(steps[0])


def _affine(
    rows: Sequence[Row], step: float, slice_spacing: float | None, shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], bool, str]:
    """Make the affine: its origin is the centre of the volume."""
    spacings = {(spacing_of(row), number_of(row, "spacing_slice")) for row in rows}
    if len(spacings) > 1:
        raise SynthmedError("the slices of this series differ in their spacing")
    plane, between = next(iter(spacings))
    between = between or slice_spacing
    if between is not None and not 1e-6 < between < 1e4:
        raise SynthmedError(f"a slice spacing of {between:g} mm")
    known = spacing_known(rows, slice_spacing)
    row_mm, column_mm = plane or (1.0, 1.0)
    sizes = np.array([column_mm, row_mm, (between or 1.0) * step])
    name = rows[0].view.lower()
    directions = np.array(PLANES.get(name, PLANES["axial"]), dtype=np.float64).T
    affine = np.eye(4)
    affine[:3, :3] = directions * sizes
    centre = (np.array([shape[2], shape[1], len(rows)]) - 1) / 2
    affine[:3, 3] = -affine[:3, :3] @ centre
    words = f"{name} slices as shown" if name in PLANES else "not known; laid as if axial"
    order = ", in the order of their numbers" if len(rows) > 1 else ""
    return affine, known, f"{words}{order}; the position in the scanner is not known"


def _arrange(levels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn (Z, C, H, W) into voxels: (X, Y, Z), RGB24 for 8-bit colour, (X, Y, Z, 1, 3) else."""
    if levels.shape[1] == 1:
        return np.asfortranarray(levels[:, 0].transpose(2, 1, 0))
    colour = levels.transpose(3, 2, 0, 1)
    if levels.dtype == np.uint8:
        rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
        return np.ascontiguousarray(colour).view(rgb)[..., 0]
    return colour[:, :, :, None, :]
