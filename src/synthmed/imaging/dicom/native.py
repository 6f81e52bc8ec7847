"""Uncompressed frames, and what samples of any frame become: whole numbers, grey or RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.pixels.processing import convert_color_space

from synthmed.imaging.dicom.header import OpenDicom
from synthmed.imaging.dicom.module import PixelModule
from synthmed.imaging.files import MAX_BYTES, RefusedError


def native_frame(opened: OpenDicom, module: PixelModule, frame: int) -> npt.NDArray[Any]:
    """Read an uncompressed frame (PS3.5, 8.1 and D)."""
    first = module.frame_bits * frame
    start, end = first // 8, (first + module.frame_bits + 7) // 8
    swapped = not opened.little and module.allocated == 8 and _is_word(opened)
    if swapped:
        start, end = start - start % 2, end + end % 2
    opened.file.seek(opened.start + start)
    if hasattr(opened.file, "limit"):
        opened.file.limit = max(MAX_BYTES, end - start)
    data = opened.file.read(end - start)
    if swapped:
        padded = data + b"\0" * (len(data) % 2)
        data = np.frombuffer(padded, np.uint8).reshape(-1, 2)[:, ::-1].tobytes()
        data = data[first // 8 - start :][: module.frame_bits // 8]
    if module.allocated == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[first % 8 :][: module.frame_bits].reshape(module.rows, module.columns)
    kind = "f" if opened.keyword != "PixelData" else "u"
    order = "<" if opened.little else ">"
    values = np.frombuffer(data, f"{order}{kind}{module.allocated // 8}")
    values = values[: module.frame_bits // module.allocated]
    return grey_or_rgb(whole_numbers(values, module), module)


def _is_word(opened: OpenDicom) -> bool:
    """Whether the pixel data of an explicit file are OW: two bytes that are swapped together."""
    if opened.header.original_encoding[0]:
        return True
    opened.file.seek(opened.start - 8)
    return opened.file.read(2) == b"OW"


def whole_numbers(values: npt.NDArray[Any], module: PixelModule) -> npt.NDArray[Any]:
    """Cut unused bits off (they may hold old overlays) and extend the sign."""
    if values.dtype.kind == "f" or module.allocated == 1:
        return values
    wide: npt.NDArray[Any] = values.astype(np.int32 if module.allocated <= 16 else np.int64)
    wide = np.bitwise_and(np.right_shift(wide, module.shift), (1 << module.stored) - 1)
    if module.signed:
        wide -= np.right_shift(wide, module.stored - 1) << module.stored
    return wide


def grey_or_rgb(values: npt.NDArray[Any], module: PixelModule) -> npt.NDArray[Any]:
    """Shape the samples of a frame to (H, W) or RGB (H, W, 3)."""
    rows, columns = module.rows, module.columns
    if module.samples == 1:
        return values.reshape(rows, columns)
    if module.photometric.endswith("422"):
        quads = values.reshape(rows, columns // 2, 4)  # Y1 Y2 Cb Cr
        luma, chroma = quads[..., :2].reshape(rows, columns, 1), quads[..., 2:].repeat(2, axis=1)
        pixels = np.concatenate([luma, chroma], axis=2)
    elif module.planar:
        pixels = values.reshape(3, rows, columns).transpose(1, 2, 0)
    else:
        pixels = values.reshape(rows, columns, 3)
    if module.photometric == "RGB":
        return pixels
    if module.stored != 8 or module.photometric not in ("YBR_FULL", "YBR_FULL_422"):
        raise RefusedError(f"{module.photometric} of {module.stored} bits is not read")
    return convert_color_space(np.ascontiguousarray(pixels.astype(np.uint8)), "YBR_FULL", "RGB")
