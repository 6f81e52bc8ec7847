"""Read NIfTI volumes: oriented, in real units.

Source: NIfTI-1 and NIfTI-2 data formats (nifti.nimh.nih.gov); header and orientation by nibabel.
"""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.imaging.files import Path_, RefusedError, bounded_file, refuse_size, shown, unreadable
from synthmed.imaging.spec import FloatArray
from synthmed.imaging.volume import Volume

MAX_VOXELS = 256 * 2**20  # a volume above this is not held in memory
MAX_OFFSET = 16 * 2**20  # bytes of header extensions before the voxels
HU_RANGE = (-1024.0, 3071.0)
__all__ = ["HU_RANGE", "MAX_VOXELS", "Volume", "open_volume", "volume_shape"]

_MM = {1: 1000.0, 2: 1.0, 3: 0.001}  # NIfTI's code of the length unit -> mm


def open_volume(path: Path_, *, unit: str = "stored value", volume: int = 0) -> Volume:
    """Read a NIfTI file (.nii, .nii.gz), by its content.

    Args:
        path: The file.
        unit: "HU" for CT: the file itself does not say so.
        volume: Which volume of a series (fourth dimension).

    Returns:
        The volume. Slices map the dtype's range for whole numbers of 8 bits without slope,
        -1024 to 3071 for HU, else the least and the greatest value of the volume.

    Raises:
        SynthmedError: A damaged or truncated file, more than `MAX_VOXELS`, colour or complex
            voxels, values that are not finite, an affine that cannot be inverted.
    """
    if unit not in ("HU", "stored value"):
        raise RefusedError(f"no unit {unit!r}", mend="Known: HU, stored value.")
    try:
        with _stream(path) as (stream, size):
            header = _header(stream)
            shape = _shape(path, header, size)
            raw = _voxels(stream, header, shape, volume)
    except Exception as error:  # whatever nibabel meets in a damaged header
        raise unreadable(path, error, "volume") from error
    try:
        return _oriented(raw, header, unit)
    except Exception as error:
        raise unreadable(path, error, "volume") from error


def volume_shape(path: Path_) -> tuple[int, int, int]:
    """Give a volume's size (X, Y, Z) in RAS orientation, without reading its voxels.

    Raises:
        SynthmedError: As `open_volume`, as far as the header tells.
    """
    try:
        with _stream(path) as (stream, size):
            header = _header(stream)
            shape = _shape(path, header, size)[:3]
            axes = nib.orientations.io_orientation(_affine(header))[:, 0].astype(int)
    except Exception as error:
        raise unreadable(path, error, "volume") from error
    x, y, z = (shape[list(axes).index(target)] for target in range(3))
    return x, y, z


@contextmanager
def _stream(path: Path_) -> Iterator[tuple[Any, int]]:
    """Open the (unzipped) bytes, and tell how many there can be at most."""
    with bounded_file(path, limit=8 * MAX_VOXELS) as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if zipped:
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream, file.size * 1032  # deflate's greatest ratio
        else:
            yield file, file.size


def _header(stream: IO[bytes]) -> Any:
    """Read a NIfTI-1 or NIfTI-2 header."""
    block = stream.read(540)
    length = {block[:4], block[3::-1]} if len(block) >= 4 else set()
    kind, size = nib.Nifti1Header, 348
    if (540).to_bytes(4, "little") in length:
        kind, size = nib.Nifti2Header, 540
    if len(block) < size:
        raise RefusedError("cannot read this volume: its header is cut short")
    header = kind.from_fileobj(io.BytesIO(block[:size]), check=True)
    if bytes(header["magic"])[:2] != b"n+":
        raise RefusedError(
            "cannot read this volume: header and voxels are in two files",
            mend="Save it as one .nii or .nii.gz.",
        )
    stream.seek(0)
    return header


def _shape(path: Path_, header: Any, size: int) -> tuple[int, ...]:
    shape = tuple(int(n) for n in header.get_data_shape())
    shape = (*shape, 1, 1, 1)[: max(3, len(shape))]
    if min(shape) < 1 or any(n != 1 for n in shape[4:]):
        raise RefusedError(f"cannot read this volume: it is {' x '.join(map(str, shape))} voxels")
    if math.prod(shape[:3]) > MAX_VOXELS:
        raise SynthmedError(f"more voxels than the {MAX_VOXELS:,} allowed", where=shown(path))
    for rows, columns in ((0, 1), (0, 2), (1, 2)):
        refuse_size(path, shape[rows], shape[columns], 8)
    needed = math.prod(shape) * header.get_data_dtype().itemsize
    if needed > size:
        raise RefusedError("cannot read this volume: the file is too short for its header")
    return shape


def _voxels(stream: IO[bytes], header: Any, shape: tuple[int, ...], volume: int) -> FloatArray:
    """Read one volume, float32 in the unit."""
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise RefusedError(f"cannot read this volume: voxels of type {dtype} are not read")
    if not 0 <= volume < (shape[3] if len(shape) > 3 else 1):
        raise RefusedError(f"no volume {volume} in this file")
    length = math.prod(shape[:3]) * dtype.itemsize
    offset = int(header.get_data_offset())
    if not 0 <= offset <= MAX_OFFSET:
        raise RefusedError(f"cannot read this volume: its voxels begin at byte {offset:,}")
    stream.seek(offset + volume * length)
    data = stream.read(length)
    if len(data) != length:
        raise RefusedError("cannot read this volume: the file is cut short")
    slope, intercept = header.get_slope_inter()
    values = np.frombuffer(data, dtype).reshape(shape[:3], order="F")
    if slope is None or (slope == 1 and not intercept):
        return values.astype(np.float32)
    scaled = np.empty(values.shape, np.float32, order="F")
    for k in range(values.shape[2]):  # slice by slice: no second volume in float64
        scaled[..., k] = values[..., k].astype(np.float64) * slope + (intercept or 0.0)
    return scaled


def _affine(header: Any) -> npt.NDArray[np.float64]:
    affine: npt.NDArray[np.float64] = np.array(header.get_best_affine(), dtype=np.float64)
    affine[:3] *= _MM.get(int(header["xyzt_units"]) & 7, 1.0)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise RefusedError("cannot read this volume: its affine has no meaning")
    return affine


def _oriented(raw: FloatArray, header: Any, unit: str) -> Volume:
    affine = _affine(header)
    orientation = nib.orientations.io_orientation(affine)
    values = nib.orientations.apply_orientation(raw, orientation)
    affine = affine @ nib.orientations.inv_ornt_aff(orientation, raw.shape)
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RefusedError("cannot read this volume: it holds values that are not finite")
    dtype = header.get_data_dtype()
    if unit == "HU":
        low, high = HU_RANGE
    elif dtype.itemsize == 1 and header.get_slope_inter()[0] in (None, 1.0):
        low, high = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
    x, y, z = (float(s) for s in np.sqrt((affine[:3, :3] ** 2).sum(0)))
    return Volume(values, affine, (x, y, z), unit, (low, high), 8 * dtype.itemsize)
