"""The image pixel module of a header, checked and completed where that is safe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from synthmed.imaging.files import RefusedError

GREY = {"MONOCHROME1", "MONOCHROME2"}
COLOUR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_422"}
PALETTE = "PALETTE COLOR"
MAX_FRAMES = 1_000_000


@dataclass(frozen=True)
class PixelModule:
    """What the header says of the pixels (PS3.3, C.7.6.3).

    Attributes:
        rows: Height.
        columns: Width.
        samples: 1 or 3.
        photometric: Photometric interpretation.
        allocated: Bits allocated: 1, 8, 16, 32 or 64.
        stored: Bits stored.
        shift: Bits below the stored ones.
        signed: Whether values are in two's complement.
        planar: Whether colours lie one plane after the other.
        frames: Number of frames.
    """

    rows: int
    columns: int
    samples: int
    photometric: str
    allocated: int
    stored: int
    shift: int
    signed: bool
    planar: bool
    frames: int

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame."""
        bits = self.rows * self.columns * self.samples * self.allocated
        return bits * 2 // 3 if self.photometric.endswith("422") and self.samples == 3 else bits


def number(header: Dataset, keyword: str, default: float | None = None) -> float | None:
    """Give the first number of an element; the default where it is missing or malformed."""
    try:
        value = header.get(keyword)
        value = value[0] if isinstance(value, list | tuple) or _is_multi(value) else value
        found = default if value is None or value == "" else float(value)
    except Exception:  # a value that pydicom cannot convert
        return default
    return found if found is None or math.isfinite(found) else default


def text(header: Dataset, keyword: str) -> str:
    """Give an element as stripped text, "" where it is missing or malformed."""
    try:
        value = header.get(keyword)
    except Exception:  # a value that pydicom cannot convert
        return ""
    return "" if value is None or _is_multi(value) else str(value).strip().strip("\0")


def _is_multi(value: Any) -> bool:
    return hasattr(value, "__getitem__") and not isinstance(value, str | bytes)


def _need(header: Dataset, keyword: str) -> int:
    value = number(header, keyword)
    if value is None:
        raise RefusedError(f"the header lacks {keyword}")
    return int(value)


def pixel_module(header: Dataset, keyword: str) -> PixelModule:
    """Read and check the image pixel module.

    What is missing is completed where only one value makes sense: one frame, one sample, unsigned,
    all allocated bits stored, MONOCHROME2 for one sample and RGB for three.

    Args:
        header: The data set.
        keyword: Which pixel element the file has.

    Raises:
        SynthmedError: No pixel data; sizes that are missing or impossible; a photometric
            interpretation that is not read.
    """
    if not keyword:
        name = getattr(header.get("SOPClassUID"), "name", None)
        mend = f"It is: {name}." if isinstance(name, str) and name.isprintable() else None
        raise RefusedError("this DICOM file has no pixel data", mend=mend)
    samples = int(number(header, "SamplesPerPixel", 1) or 1)
    photometric = text(header, "PhotometricInterpretation").upper()
    photometric = photometric or ("RGB" if samples == 3 else "MONOCHROME2")
    floats = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
    allocated = floats.get(keyword) or _need(header, "BitsAllocated")
    stored = floats.get(keyword) or int(number(header, "BitsStored", allocated) or allocated)
    high = int(number(header, "HighBit", stored - 1) or 0)
    module = PixelModule(
        *(_need(header, "Rows"), _need(header, "Columns"), samples, photometric),
        *(allocated, stored, max(0, high + 1 - stored) if keyword == "PixelData" else 0),
        signed=int(number(header, "PixelRepresentation", 0) or 0) == 1,
        planar=int(number(header, "PlanarConfiguration", 0) or 0) == 1 and samples == 3,
        frames=int(number(header, "NumberOfFrames", 1) or 1),
    )
    _check(module, keyword)
    return module


def _check(module: PixelModule, keyword: str) -> None:
    if module.photometric not in GREY | COLOUR | {PALETTE}:
        raise RefusedError(f"images of colour kind {module.photometric} are not read")
    if module.samples != (3 if module.photometric in COLOUR else 1):
        raise RefusedError(f"{module.photometric} with {module.samples} samples a pixel")
    if module.allocated not in (1, 8, 16, 32, 64) or not 1 <= module.stored <= module.allocated:
        raise RefusedError(f"{module.stored} bits stored in {module.allocated} make no sense")
    if module.shift + module.stored > module.allocated:
        raise RefusedError("the high bit lies outside the allocated bits")
    if keyword == "PixelData" and module.stored > 16:
        raise RefusedError(
            f"whole numbers of {module.stored} bits cannot be read without loss",
            mend="Up to 16 bits are read.",
        )
    if not 1 <= module.frames <= MAX_FRAMES:
        raise RefusedError(f"{module.frames:,} frames make no sense")
