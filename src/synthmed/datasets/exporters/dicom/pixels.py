"""Pixels of an exported instance, what they mean, and their window (PS3.3, C.7.6.3 and C.11)."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from synthmed.datasets.exporters.pixels import Levels, Meaning
from synthmed.errors import SynthmedError

COMPRESSIONS = {"rle": RLELossless, "jpeg2000": JPEG2000Lossless}
_UNITS = {"hu": "HU", "hounsfield units": "HU", "od": "OD"}


def add_pixels(ds: Dataset, levels: Levels) -> None:
    """Add an image: grey as MONOCHROME2, colour as RGB, 8 or 16 bits as stored.

    Args:
        ds: The instance.
        levels: uint8 or uint16, (1, H, W) or (3, H, W).

    Raises:
        SynthmedError: More rows or columns than DICOM counts.
    """
    channels, rows, columns = levels.shape
    if max(rows, columns) > 65535:
        raise SynthmedError(f"{rows} x {columns} pixels are more than DICOM counts (65535 a side)")
    ds.SamplesPerPixel = channels
    ds.PhotometricInterpretation = "MONOCHROME2" if channels == 1 else "RGB"
    if channels == 3:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = rows, columns
    bits = levels.dtype.itemsize * 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits, bits - 1, 0
    data = np.ascontiguousarray(levels.transpose(1, 2, 0)).astype(levels.dtype.newbyteorder("<"))
    raw = data.tobytes()
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"


def add_rescale(ds: Dataset, meaning: Meaning) -> None:
    """Say what stored values mean: ``value = RescaleSlope * stored + RescaleIntercept``."""
    ds.RescaleSlope = decimal(meaning.slope)
    ds.RescaleIntercept = decimal(meaning.intercept)
    ds.RescaleType = _UNITS.get(meaning.unit.lower(), "US")


def add_window(ds: Dataset, low: float, high: float) -> None:
    """Add a display window from `low` to `high`, in the unit after the rescale.

    DICOM's linear function (PS3.3, C.11.2.1.2.1) runs from center - 0.5 - (width - 1) / 2 to
    center - 0.5 + (width - 1) / 2.
    """
    ds.WindowCenter = decimal((low + high) / 2 + 0.5)
    ds.WindowWidth = decimal(max(high - low + 1, 1))


def decimal(value: float) -> str:
    """Give a number as a decimal string of at most 16 characters (VR DS), as exact as fits."""
    for digits in range(16, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return "0"


def encode(ds: Dataset, compression: str | None) -> None:
    """Set the transfer syntax and compress the pixels without loss.

    Raises:
        SynthmedError: No plugin here that writes it; an image below 32 pixels a side (JPEG 2000);
            16-bit colour in RLE, which GDCM, and with it ITK, reads wrongly.
    """
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if compression is None:
        return
    if compression == "rle" and ds.SamplesPerPixel == 3 and ds.BitsAllocated == 16:
        raise SynthmedError("16-bit colour is not written in RLE: common readers misread it")
    if compression == "jpeg2000" and min(ds.Rows, ds.Columns) < 32:
        raise SynthmedError("an image below 32 pixels a side is not written in JPEG 2000")
    syntax: Any = COMPRESSIONS[compression]
    plugin = "pydicom" if compression == "rle" else "pylibjpeg"
    if ds.SamplesPerPixel == 3 and compression == "jpeg2000":
        ds.PhotometricInterpretation = "YBR_RCT"
    try:
        ds.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False)
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise SynthmedError(f"cannot compress with {compression}: {error}") from error
