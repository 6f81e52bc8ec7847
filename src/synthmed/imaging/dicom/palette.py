"""Look colours up: PALETTE COLOR to RGB (DICOM PS3.3, C.7.6.3.1.5, .6, and C.7.9.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from synthmed.imaging.dicom.values import lookup
from synthmed.imaging.files import RefusedError

_NAMES = ("Red", "Green", "Blue")
_MOST = 65536  # entries of a table


def palette_to_rgb(
    header: Dataset, stored: npt.NDArray[Any], signed: bool
) -> tuple[npt.NDArray[Any], int]:
    """Replace stored values by their colours.

    Args:
        header: The data set with the palettes.
        stored: Stored values (H, W).
        signed: Whether stored values are signed.

    Returns:
        RGB (H, W, 3) and the bits of a colour, 8 or 16.

    Raises:
        SynthmedError: A palette that is missing or shorter than it says.
    """
    tables = [_table(header, name, signed) for name in _NAMES]
    bits = 16 if any(table[1] > 8 for table in tables) else 8
    planes = []
    for first, _, table in tables:
        planes.append(table[np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)])
    return np.stack(planes, axis=-1), bits


def _table(header: Dataset, name: str, signed: bool) -> tuple[int, int, npt.NDArray[np.float64]]:
    descriptor = f"{name}PaletteColorLookupTableDescriptor"
    segmented = header.get(f"Segmented{name}PaletteColorLookupTableData")
    if segmented is None:
        return lookup(header, descriptor, f"{name}PaletteColorLookupTableData", signed)
    numbers = header.get(descriptor)
    if numbers is None or len(numbers) != 3:
        raise RefusedError("a palette lacks its descriptor")
    count, first, bits = (int(n) for n in numbers)
    count = count or _MOST
    words = np.frombuffer(segmented, np.uint8 if bits == 8 else "<u2").astype(int).tolist()
    table = np.array(list(_expanded(words, 0, None, [])), dtype=np.float64)
    if len(table) < count:
        raise RefusedError(f"a palette has {len(table)} of {count} entries")
    return first, bits, table[:count]


def _expanded(
    words: Sequence[int], at: int, segments: int | None, out: list[float], nested: bool = False
) -> list[float]:
    """Expand discrete (0), linear (1) and indirect (2) segments; at most 65536 entries."""
    for opcode, start, length in _segments(words, at, segments):
        if opcode == 0:
            out.extend(words[start : start + length])
        elif opcode == 1 and out:
            out.extend(np.rint(np.linspace(out[-1], words[start], length + 1)[1:]).tolist())
        elif opcode == 2 and not nested and start + 1 < len(words):
            offset = words[start] | words[start + 1] << 16
            _expanded(words, offset, length, out, nested=True)
        else:
            raise RefusedError("a segmented palette is malformed")
        if len(out) > _MOST:
            raise RefusedError("a segmented palette is too long")
    return out


def _segments(
    words: Sequence[int], at: int, segments: int | None
) -> Iterator[tuple[int, int, int]]:
    done = 0
    while at + 2 < len(words) and (segments is None or done < segments):
        opcode, length = words[at], words[at + 1]
        yield opcode, at + 2, length
        at += 2 + {0: length, 1: 1, 2: 2}.get(opcode, len(words))
        done += 1
