"""Open one frame of a DICOM file as an image with its spec."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from synthmed.imaging.dicom.header import OpenDicom, open_header
from synthmed.imaging.dicom.module import PALETTE, PixelModule, pixel_module, text
from synthmed.imaging.dicom.palette import palette_to_rgb
from synthmed.imaging.dicom.pixels import check_length, decode_frame
from synthmed.imaging.dicom.values import modality_of, spacing_of, window_of
from synthmed.imaging.files import Path_, RefusedError
from synthmed.imaging.spec import FloatArray, ImageSpec, spec_range


def open_dicom(path: Path_, frame: int = 0) -> tuple[FloatArray, ImageSpec]:
    """Read one frame of a DICOM file.

    The modality LUT or rescale is applied. CT in HU maps -1024 to 3071 to [-1, 1]; values beyond
    lie outside. All else maps the range of the stored bits (after rescale). MONOCHROME1 is
    inverted, once: the spec's scale is negative then, so that `spec.to_value` still gives the
    file's values. The VOI window is recorded in `spec.window`, not applied. Colour becomes RGB.
    Float pixel data map the least and the greatest value of the frame.

    Args:
        path: The file.
        frame: Number of the frame, from 0; no other frame is decoded.

    Returns:
        The image, float32 (1, H, W) or (3, H, W), and its spec.

    Raises:
        SynthmedError: A file that is damaged, contradicts itself, holds no image, holds more than
            16 bits a sample, is too large, or has no such frame.
    """
    with open_header(path) as opened:
        module = pixel_module(opened.header, opened.keyword)
        check_length(path, opened, module)
        if not 0 <= frame < module.frames:
            raise RefusedError(f"no frame {frame}: this file has {module.frames}")
        stored = decode_frame(path, opened, module, frame)
        if module.samples == 3 or module.photometric == PALETTE:
            return _colour(opened.header, module, stored, frame)
        return _grey(opened, module, stored, frame)


def dicom_frames(path: Path_) -> int:
    """Give the number of frames of a DICOM file.

    Raises:
        SynthmedError: As `open_dicom`, as far as the header tells.
    """
    with open_header(path) as opened:
        module = pixel_module(opened.header, opened.keyword)
        check_length(path, opened, module)
        return module.frames


def _facts(header: Dataset, frame: int) -> dict[str, Any]:
    modality = text(header, "Modality").upper()
    known = modality if modality.isalnum() and len(modality) <= 16 else ""
    return {"modality": known, "spacing": spacing_of(header, frame)}


def _colour(
    header: Dataset, module: PixelModule, stored: npt.NDArray[Any], frame: int
) -> tuple[FloatArray, ImageSpec]:
    bits = module.stored
    if module.photometric == PALETTE:
        stored, bits = palette_to_rgb(header, stored, module.signed)
    low, high = 0.0, 2.0**bits - 1
    spec = spec_range(3, bits, low, high, "DICOM", **_facts(header, frame))
    return spec.from_value(np.ascontiguousarray(stored.transpose(2, 0, 1))), spec


def _grey(
    opened: OpenDicom, module: PixelModule, stored: npt.NDArray[Any], frame: int
) -> tuple[FloatArray, ImageSpec]:
    header = opened.header
    if stored.dtype.kind == "f":
        values = stored.astype(np.float64)
        low, high, unit = float(values.min()), float(values.max()), "stored value"
        if not np.isfinite(values).all():
            raise RefusedError("the pixel data hold values that are not finite")
    else:
        modality = modality_of(header, module, frame)
        values = modality.apply(stored)
        low, high, unit = modality.low, modality.high, modality.unit
    if module.photometric == "MONOCHROME1":
        low, high = high, low  # scale < 0: the least value is shown white
    facts = _facts(header, frame) | {"unit": unit, "window": window_of(header, frame)}
    spec = spec_range(1, module.stored, low, high, "DICOM", **facts)
    return spec.from_value(values[None]), spec
