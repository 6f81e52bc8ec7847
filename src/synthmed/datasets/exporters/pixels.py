"""Stored grey levels of an image, their meaning in a unit, and windows on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row, as_text
from synthmed.imaging.reading import open_image

Levels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Meaning:
    """What stored levels mean: ``value = slope * level + intercept`` in a unit.

    Attributes:
        slope: Units per level.
        intercept: Value of level 0.
        unit: For example "HU"; "" where the row names none.
        window: Default display window (low, high) in the unit, or None.
    """

    slope: float
    intercept: float
    unit: str
    window: tuple[float, float] | None


def read_levels(path: Path) -> tuple[Levels, int]:
    """Read an image's stored levels.

    Returns:
        uint8 or uint16 of shape (C, H, W), C = 1 or 3, and the bits per channel, 8 or 16.

    Raises:
        SynthmedError: As `open_image`.
    """
    x, spec = open_image(path)
    bits = 16 if spec.bits > 8 else 8
    half = (2**bits - 1) / 2
    levels = np.clip(np.rint((x.astype(np.float64) + 1.0) * half), 0, 2**bits - 1)
    return (levels.astype(np.uint16) if bits == 16 else levels.astype(np.uint8)), bits


def meaning_of(row: Row, bits: int) -> Meaning | None:
    """Give what a row's levels mean, by its columns; None where it does not say.

    The columns `value_scale` and `value_offset` hold ``value = scale * x + offset`` with x in
    [-1, 1] (see `ImageSpec`), and ``x = level / half - 1`` with half = (2**bits - 1) / 2.
    """
    scale, offset = number(row, "value_scale"), number(row, "value_offset")
    if scale is None or offset is None or not (1e-30 < scale < 1e30 and abs(offset) < 1e30):
        return None
    half = (2**bits - 1) / 2
    low, high = number(row, "window_low"), number(row, "window_high")
    window = (low, high) if low is not None and high is not None and low < high else None
    return Meaning(scale / half, offset - scale, as_text(row.extra.get("unit")), window)


def spacing_of(row: Row) -> tuple[float, float] | None:
    """Give a row's (row, column) spacing in mm, or None where it has none that can be."""
    rows, columns = number(row, "spacing_row"), number(row, "spacing_column")
    if rows is None or columns is None or not (1e-6 < rows < 1e4 and 1e-6 < columns < 1e4):
        return None
    return rows, columns


def number(row: Row, column: str) -> float | None:
    """Give a finite number of one of a row's extra columns, or None."""
    value: Any = row.extra.get(column)
    if isinstance(value, bool):
        return None
    try:
        found = float(as_text(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def to_8_bit(levels: Levels, meaning: Meaning | None) -> npt.NDArray[np.uint8]:
    """Give 8-bit levels of 16-bit ones: the row's window if it has one, else the full range.

    Args:
        levels: uint16 of any shape.
        meaning: What they mean; its window is stretched to 0...255 and clipped there.
    """
    values = levels.astype(np.float64)
    low, high = 0.0, 65535.0
    if meaning is not None and meaning.window is not None:
        low, high = ((end - meaning.intercept) / meaning.slope for end in meaning.window)
    return np.clip(np.rint((values - low) * (255.0 / (high - low))), 0, 255).astype(np.uint8)
