"""How much of an output's bit depth is real: the codec's measured PSNR.

A file of 16 bits does not hold 16 bits of an image that a codec drew: the codec's error is larger
than the last bits. So every 16-bit output names the measured figure, or says that there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.rows import Row

NOT_MEASURED = "not measured"
_PLACES = ((), ("training",), ("codec",))  # where a card or a run's record keeps `gate`


def codec_psnr(info: Mapping[str, Any]) -> dict[str, float]:
    """Find the codec's PSNR by image type in a dataset's record.

    Args:
        info: The contents of dataset.json. Read are, under `generation`: `codec_psnr` (a number,
            or numbers by image type), else the record of the codec gate as training writes it
            into the generator's card (`gate`, `training.gate` or `codec.gate`, with `types`).

    Returns:
        Decibels by image type; "" holds for all types. {} where nothing was measured.
    """
    made = info.get("generation")
    if not isinstance(made, Mapping):
        return {}
    given = made.get("codec_psnr")
    if isinstance(given, Mapping):
        return {str(name): float(value) for name, value in given.items() if _is_figure(value)}
    if _is_figure(given):
        return {"": float(str(given))}
    for place in _PLACES:
        record: Any = made
        for part in (*place, "gate"):
            record = record.get(part) if isinstance(record, Mapping) else None
        if isinstance(record, Mapping):
            return _by_type(record.get("types"))
    return {}


def psnr_words(row: Row, figures: Mapping[str, float]) -> str:
    """Say what a row's bit depth holds: "34.1 dB" or "not measured"; "" for real images."""
    if kind_of(row) == "real":
        return ""
    value = figures.get(row.image_type, figures.get(""))
    return NOT_MEASURED if value is None else f"{value:.1f} dB"


def _by_type(entries: object) -> dict[str, float]:
    found = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and _is_figure(entry.get("psnr")):
            found[str(entry.get("image_type", ""))] = float(entry["psnr"])
    return found


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
