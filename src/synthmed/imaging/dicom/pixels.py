"""Decode one frame: compressed or not, to stored values."""

from __future__ import annotations

from typing import Any

from synthmed.imaging.dicom.compressed import compressed_frame
from synthmed.imaging.dicom.header import OpenDicom, is_compressed
from synthmed.imaging.dicom.module import PixelModule
from synthmed.imaging.dicom.native import native_frame
from synthmed.imaging.files import RefusedError, refuse_size


def check_length(path: Any, opened: OpenDicom, module: PixelModule) -> None:
    """Refuse frames that the file cannot hold, before anything is decoded.

    Raises:
        SynthmedError: Too many pixels; fewer bytes than the uncompressed frames take.
    """
    refuse_size(path, module.rows, module.columns, max(1, module.samples * module.allocated // 8))
    rest = opened.size - opened.start
    if opened.length is None:
        if module.frames > max(1, rest // 8):
            raise RefusedError(f"this file cannot hold the {module.frames:,} frames that it names")
        refuse_size(path, module.rows, module.columns, 1, rest)
        return
    if is_compressed(opened.header):
        raise RefusedError("the pixel data should be compressed, but are not encapsulated")
    needed = (module.frame_bits * module.frames + 7) // 8
    if needed > min(rest, opened.length):
        raise RefusedError(
            f"the pixel data are cut short: {min(rest, opened.length):,} of {needed:,} bytes"
        )


def decode_frame(path: Any, opened: OpenDicom, module: PixelModule, frame: int) -> Any:
    """Decode one frame.

    Args:
        path: The file, for errors.
        opened: The opened file.
        module: Its image pixel module.
        frame: Number of the frame, from 0.

    Returns:
        Stored values (H, W) or, for colour, RGB (H, W, 3); integers, or floating point for float
        pixel data.

    Raises:
        SynthmedError: The frame is missing, damaged, or contradicts the header.
        Exception: Whatever a decoder raises (the caller turns it into a SynthmedError).
    """
    if opened.length is not None:
        values = native_frame(opened, module, frame)
    else:
        values = compressed_frame(path, opened, module, frame)
    if values.shape[:2] != (module.rows, module.columns):
        raise RefusedError(f"the frame holds {values.shape[:2]} pixels, not as the header says")
    return values
