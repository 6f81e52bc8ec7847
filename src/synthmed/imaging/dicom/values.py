"""From stored values to the unit: modality LUT or rescale, window, spacing, unit.

Source: DICOM PS3.3, C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.16 (functional groups).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from synthmed.errors import SynthmedError
from synthmed.imaging.dicom.module import PixelModule, number, text
from synthmed.imaging.files import RefusedError

HU_RANGE = (-1024.0, 3071.0)


@dataclass(frozen=True)
class Modality:
    """How stored values become values in the unit.

    Attributes:
        unit: "HU", the file's own name of the unit, "rescaled value" or "stored value".
        low: The least value that the file can store, in the unit.
        high: The greatest.
        slope: Rescale slope (1 with a table).
        intercept: Rescale intercept.
        table: Values of a modality LUT, or None.
        first: Stored value of the table's first entry.
    """

    unit: str
    low: float
    high: float
    slope: float = 1.0
    intercept: float = 0.0
    table: npt.NDArray[np.float64] | None = None
    first: int = 0

    def apply(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Give values in the unit, float64, same shape."""
        if self.table is not None:
            index = np.clip(stored - self.first, 0, len(self.table) - 1)
            return self.table[index.astype(np.int64)]
        return stored.astype(np.float64) * self.slope + self.intercept


def modality_of(header: Dataset, module: PixelModule, frame: int) -> Modality:
    """Find the modality transformation of a frame.

    A modality LUT goes before rescale. CT with rescale and without another stated type is in HU.
    """
    for sequence in _items(header, "ModalityLUTSequence"):
        return _from_table(sequence, module)
    source = _holder(header, frame, "PixelValueTransformationSequence", "RescaleSlope")
    slope, intercept = number(source, "RescaleSlope"), number(source, "RescaleIntercept")
    low, high = stored_range(module)
    if slope is None and intercept is None:
        return Modality("stored value", low, high)
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if slope == 0:
        raise RefusedError("the rescale slope is 0")
    ends = sorted((low * slope + intercept, high * slope + intercept))
    kind = text(source, "RescaleType").upper()
    if kind == "HU" or (text(header, "Modality") == "CT" and not kind):
        return Modality("HU", *HU_RANGE, slope, intercept)
    unit = "" if kind in ("", "US") else text(source, "RescaleType")
    unit = unit or text(header, "Units")
    plain = slope == 1 and intercept == 0
    unit = unit or ("stored value" if plain else "rescaled value")
    return Modality(unit, ends[0], ends[1], slope, intercept)


def stored_range(module: PixelModule) -> tuple[float, float]:
    """Give the least and the greatest value that the stored bits can hold."""
    half = 2.0 ** (module.stored - 1)
    return (-half, half - 1) if module.signed else (0.0, 2 * half - 1)


def _from_table(item: Dataset, module: PixelModule) -> Modality:
    first, bits, table = lookup(item, "LUTDescriptor", "LUTData", module.signed)
    high = max(2.0**bits - 1, float(table.max()))
    unit = text(item, "ModalityLUTType")
    return Modality(unit if unit not in ("", "US") else "LUT value", 0.0, high, 1, 0, table, first)


def lookup(
    item: Dataset, descriptor: str, data: str, signed: bool
) -> tuple[int, int, npt.NDArray[np.float64]]:
    """Read a lookup table: first stored value, bits of an entry, the entries.

    Raises:
        SynthmedError: A descriptor without three numbers, or fewer entries than it says.
    """
    numbers = item.get(descriptor)
    if numbers is None or len(numbers) != 3:
        raise RefusedError("a lookup table lacks its descriptor")
    count, first, bits = (int(n) for n in numbers)
    count = (count & 0xFFFF) or 65536
    first = first - 65536 if signed and first > 32767 else first
    raw = item.get(data)
    if isinstance(raw, bytes):
        values = np.frombuffer(raw[: len(raw) // 2 * 2], "<u2")
        if len(values) < count <= len(raw):
            values = np.frombuffer(raw, np.uint8)
    else:
        values = np.atleast_1d(np.asarray([] if raw is None else raw, dtype=np.int64)) & 0xFFFF
    if len(values) < count:
        raise RefusedError(f"a lookup table has {len(values)} of {count} entries")
    return first, bits, values[:count].astype(np.float64)


def window_of(header: Dataset, frame: int) -> tuple[float, float] | None:
    """Find the first display window of a frame, (low, high) in the unit; None if there is none.

    LINEAR (the default): ``center - 0.5 -+ (width - 1) / 2``; else ``center -+ width / 2``. A VOI
    LUT counts by the values that it spans.
    """
    source = _holder(header, frame, "FrameVOILUTSequence", "WindowCenter")
    center, width = number(source, "WindowCenter"), number(source, "WindowWidth")
    if center is not None and width is not None:
        linear = text(source, "VOILUTFunction").upper() in ("", "LINEAR")
        if linear and width > 1:
            return center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
        if not linear and width > 0:
            return center - width / 2, center + width / 2
    for item in _items(header, "VOILUTSequence"):
        try:
            first, _, table = lookup(item, "LUTDescriptor", "LUTData", True)
        except (SynthmedError, TypeError, ValueError):
            return None
        return (float(first), float(first + len(table) - 1)) if len(table) > 1 else None
    return None


def spacing_of(header: Dataset, frame: int) -> tuple[float, float] | None:
    """Find the distance of rows and of columns in mm: at the patient, else at the detector."""
    source = _holder(header, frame, "PixelMeasuresSequence", "PixelSpacing")
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        try:
            row, column = (float(v) for v in source.get(keyword))
        except Exception:  # missing or malformed
            continue
        if all(math.isfinite(v) and v > 0 for v in (row, column)):
            return row, column
    return None


def _holder(header: Dataset, frame: int, group: str, keyword: str) -> Dataset:
    """Find who holds an element: the frame's own functional group, the shared one, the header."""
    per_frame = list(_items(header, "PerFrameFunctionalGroupsSequence"))
    shared = list(_items(header, "SharedFunctionalGroupsSequence"))
    for outer in [*per_frame[frame : frame + 1], *shared[:1]]:
        for inner in _items(outer, group):
            if keyword in inner:
                return inner
    return header


def _items(header: Dataset, keyword: str) -> Iterator[Dataset]:
    """Give the items of a sequence; none where it is missing or malformed."""
    try:
        items = list(header.get(keyword) or [])
    except Exception:  # a sequence that pydicom cannot parse
        return
    yield from (item for item in items if isinstance(item, Dataset))
