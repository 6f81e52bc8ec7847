"""Values as JSON has them, and text that a page can show."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

# Control signs, which HTML forbids, and signs that turn the direction of the text around them.
_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(value: Any) -> Any:
    """Turn a value into what JSON can hold.

    Args:
        value: Numbers, text, paths, NumPy scalars and arrays, dataclasses, and mappings,
            sequences and sets of them.

    Returns:
        The same as dicts, lists, text, numbers, booleans and None. NaN and infinity become None;
        sets are sorted.

    Raises:
        ValueError: A value of another kind.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, PurePath):
        return clean(value.as_posix())
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    raise ValueError(f"a {type(value).__name__} has no form in report.json")


def clean(text: str) -> str:
    """Make text safe to encode and to show.

    Args:
        text: Any text, such as a file name that is no UTF-8.

    Returns:
        The text without control signs and signs of text direction; what cannot be encoded
        (lone surrogates) is written as an escape.
    """
    return _UNSHOWN.sub("", text).encode("utf-8", "backslashreplace").decode("utf-8")
