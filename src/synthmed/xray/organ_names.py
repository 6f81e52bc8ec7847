"""Tables of organ names: which organ a label number stands for."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from synthmed.errors import SynthmedError
from synthmed.imaging.files import Path_, shown

MOST = 65535  # the greatest label number
_HEADS = {"label", "number", "index", "id", "value"}


def read_names(path: Path_) -> dict[int, str]:
    """Read organ names by label number.

    Args:
        path: JSON, {"1": "spleen"} or {"spleen": 1}; or a CSV of two columns with or without a
            header, the number first.

    Raises:
        SynthmedError: No such file, or no such table; a number or a name that occurs twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        pairs = _json_pairs(text) if text.lstrip().startswith("{") else _csv_pairs(text)
    except OSError as error:
        raise SynthmedError(f"cannot read it: {error.strerror}", where=shown(path)) from error
    except ValueError as error:
        raise SynthmedError(
            f"no table of organ names: {error}",
            where=shown(path),
            mend='Write JSON such as {"1": "spleen"}, or a CSV of number and name.',
        ) from error
    numbers, names = {n for n, _ in pairs}, {name for _, name in pairs}
    if not pairs or not len(pairs) == len(numbers) == len(names):
        what = "no organ is named" if not pairs else "an organ or a number occurs twice"
        raise SynthmedError(what, where=shown(path))
    return dict(pairs)


def _json_pairs(text: str) -> list[tuple[int, str]]:
    contents = json.loads(text)
    if all(str(key).strip().isdecimal() for key in contents):
        return [(_number(key), _name(value)) for key, value in contents.items()]
    return [(_number(value), _name(key)) for key, value in contents.items()]


def _csv_pairs(text: str) -> list[tuple[int, str]]:
    rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    if rows and rows[0][0].strip().lower() in _HEADS:
        rows = rows[1:]
    if any(len(row) < 2 for row in rows):
        raise ValueError("a line has no two cells")
    return [(_number(row[0]), _name(row[1])) for row in rows]


def _number(value: object) -> int:
    text = str(value).strip()
    if not text.isdecimal() or not 0 <= int(text) <= MOST:
        raise ValueError(f"{text!r} is no label number")
    return int(text)


def _name(value: object) -> str:
    name = str(value).strip() if isinstance(value, str) else ""
    if not name or not name.isprintable():
        raise ValueError(f"{value!r} is no name")
    return name
