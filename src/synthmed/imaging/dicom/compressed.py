"""Compressed frames: taken out of their capsule, checked, handed to a decoder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from synthmed.imaging.dicom.codestream import StreamSize, plain_jpeg, stream_size
from synthmed.imaging.dicom.header import OpenDicom, is_compressed
from synthmed.imaging.dicom.module import PixelModule
from synthmed.imaging.dicom.native import grey_or_rgb, whole_numbers
from synthmed.imaging.dicom.rle import rle_samples
from synthmed.imaging.files import MAX_BYTES, RefusedError, refuse_size

_PLUGINS = ("pylibjpeg", "pillow", "gdcm")
_LOSSLESS_JPEG = 0xC3
# what a stream is, by its own header -> the transfer syntaxes that it may have, the usual one first
_SYNTAXES = {
    0xC0: (JPEGBaseline8Bit, JPEGExtended12Bit),
    0xC1: (JPEGExtended12Bit, JPEGBaseline8Bit),
    0xC2: (JPEGBaseline8Bit, JPEGExtended12Bit),
    _LOSSLESS_JPEG: (JPEGLosslessSV1, JPEGLossless),
    0xF7: (JPEGLSNearLossless, JPEGLSLossless),
    0x51: (JPEG2000, JPEG2000Lossless, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL),
}
_LOSSY_JPEG = {0xC0, 0xC1, 0xC2}


def compressed_frame(
    path: Any, opened: OpenDicom, module: PixelModule, frame: int
) -> npt.NDArray[Any]:
    """Decode an encapsulated frame (PS3.5, A.4) by pydicom's decoders."""
    syntax = opened.header.file_meta.get("TransferSyntaxUID")
    if not is_compressed(opened.header):
        raise RefusedError("the pixel data are compressed, but the header does not say how")
    opened.file.seek(opened.start)
    if hasattr(opened.file, "limit"):
        opened.file.limit = MAX_BYTES
    offsets = _extended_offsets(opened)
    data = get_frame(opened.file, frame, number_of_frames=module.frames, extended_offsets=offsets)
    if syntax == RLELossless:
        planes = replace(module, planar=module.samples == 3)
        return grey_or_rgb(whole_numbers(rle_samples(data, module), module), planes)
    size = stream_size(data)
    _refuse_contradiction(size, module)
    refuse_size(path, size.rows, size.columns, 1, len(data))
    if size.process == _LOSSLESS_JPEG:
        data = plain_jpeg(data)
    known = _SYNTAXES.get(size.process)
    if known is None:
        raise RefusedError(f"JPEG of process {size.process - 0xC0} is not read")
    # Where the header names another coding than the stream is in, the stream is right.
    values, properties = _decoded(syntax if syntax in known else known[0], data, module)
    if module.samples == 3 and str(properties["photometric_interpretation"]).startswith("YBR"):
        values = convert_color_space(values, "YBR_FULL", "RGB")
    return values.astype(np.int32)


def _decoded(syntax: UID, data: bytes, module: PixelModule) -> tuple[Any, Any]:
    decoder = get_decoder(syntax)
    if not decoder.is_available:
        raise RefusedError(f"no decoder for {syntax.name} is installed")
    options: dict[str, Any] = {
        "rows": module.rows,
        "columns": module.columns,
        "samples_per_pixel": module.samples,
        "photometric_interpretation": module.photometric,
        "bits_allocated": module.allocated,
        "bits_stored": module.stored,
        "pixel_representation": int(module.signed),
        "number_of_frames": 1,
        "planar_configuration": int(module.planar),
        "pixel_keyword": "PixelData",
    }
    # GDCM where nothing else decodes: it ends the process on some damaged frames.
    plugin = next((p for p in _PLUGINS if p in decoder.available_plugins), "")
    return decoder.as_array(encapsulate([data]), index=0, decoding_plugin=plugin, **options)


def _refuse_contradiction(size: StreamSize, module: PixelModule) -> None:
    if (size.rows, size.columns) != (module.rows, module.columns):
        raise RefusedError(
            f"the header says {module.rows} x {module.columns} pixels, "
            f"the compressed frame {size.rows} x {size.columns}"
        )
    if size.samples != module.samples:
        raise RefusedError(
            f"the header says {module.samples} samples a pixel, the compressed frame {size.samples}"
        )
    if size.process in _LOSSY_JPEG and size.bits > 8:
        raise RefusedError(f"lossy JPEG of {size.bits} bits (extended process) is not read")
    if size.bits > module.allocated:
        raise RefusedError(
            f"the compressed frame has {size.bits} bits, more than the {module.allocated} allocated"
        )


def _extended_offsets(opened: OpenDicom) -> tuple[bytes, bytes] | None:
    offsets = opened.header.get("ExtendedOffsetTable")
    lengths = opened.header.get("ExtendedOffsetTableLengths")
    return (offsets, lengths) if offsets and lengths else None
