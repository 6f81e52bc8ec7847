"""Decode RLE Lossless frames (DICOM PS3.5, annex G), never beyond the pixels of the header."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.imaging.dicom.module import PixelModule
from synthmed.imaging.files import RefusedError


def rle_samples(data: bytes, module: PixelModule) -> npt.NDArray[Any]:
    """Decode one RLE frame.

    Args:
        data: The frame: a header of 64 bytes, then a segment for each byte of each sample, most
            significant byte first.
        module: The image pixel module; of 1 bit allocated, a segment holds eight pixels a byte.

    Returns:
        Samples, one plane after the other: unsigned, (samples * rows * columns,).

    Raises:
        SynthmedError: Another number of segments, a segment that is damaged or too short.
    """
    width = max(1, module.allocated // 8)  # bytes of a sample
    pixels = module.rows * module.columns
    length = (pixels + 7) // 8 if module.allocated == 1 else pixels
    offsets = _offsets(data, width * module.samples)
    out = np.zeros((module.samples, length, width), np.uint8)
    for number, (start, end) in enumerate(zip(offsets, [*offsets[1:], len(data)], strict=True)):
        plane, byte = divmod(number, width)
        out[plane, :, byte] = np.frombuffer(_unpacked(data[start:end], length), np.uint8)
    if module.allocated == 1:
        return np.unpackbits(out.ravel(), bitorder="little")[:pixels]
    return out.reshape(-1, width).view(f">u{width}").ravel()


def _offsets(data: bytes, segments: int) -> list[int]:
    if len(data) < 64 or segments > 15:
        raise RefusedError("the RLE frame has no header")
    found, *offsets = struct.unpack("<16I", data[:64])
    if found != segments:
        raise RefusedError(f"the RLE frame has {found} segments instead of {segments}")
    offsets = list(offsets[:segments])
    if offsets != sorted(offsets) or not 64 <= offsets[0] <= offsets[-1] <= len(data):
        raise RefusedError("the segments of the RLE frame lie outside it")
    return offsets


def _unpacked(segment: bytes, length: int) -> bytes:
    """Undo PackBits: n < 128 copies n + 1 bytes, n > 128 repeats the next byte 257 - n times."""
    out, at = bytearray(), 0
    while len(out) < length and at < len(segment):
        code = segment[at]
        if code < 128:
            out += segment[at + 1 : at + 2 + code]
            at += code + 2
        elif code > 128:
            out += segment[at + 1 : at + 2] * (257 - code)
            at += 2
        else:
            at += 1
    if len(out) < length:
        raise RefusedError("a segment of the RLE frame is cut short")
    return bytes(out[:length])
