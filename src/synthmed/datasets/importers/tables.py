"""Write the tables of an import row by row, so that memory does not grow with the rows.

The types are those of `synthmed.datasets.table_writing`, found in one pass over the rows; a
column without a value in the first row of a split begins with a typed blank.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.rows import is_blank
from synthmed.errors import SynthmedError

Rows = Callable[[], Iterator[dict[str, Any]]]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T].*)?$")  # texts that readers take for time stamps


@dataclass
class _Column:
    """What the rows show of a column: the kinds of its values, and where it has any."""

    kinds: set[str] = field(default_factory=set)
    filled: dict[str, int] = field(default_factory=dict)
    texts: dict[str, bool] = field(default_factory=dict)  # split: are all its texts dates?

    def see(self, split: str, value: Any) -> None:
        self.kinds.add(_kind_of(value))
        self.filled[split] = self.filled.get(split, 0) + 1
        is_date = isinstance(value, str) and bool(_DATE.match(value))
        self.texts[split] = self.texts.get(split, True) and is_date

    def kind(self, rows: Mapping[str, int]) -> str:
        if self.kinds == {"boolean"}:
            return "boolean" if self.filled == dict(rows) else "text"
        if self.kinds in ({"number"}, {"list"}):
            return next(iter(self.kinds))
        return "JSON" if self.kinds & {"list", "JSON"} else "text"


def write_tables(out: Path, rows: Rows) -> tuple[dict[str, int], dict[str, str]]:
    """Write the metadata.jsonl of each split.

    Args:
        out: The dataset folder.
        rows: Gives the rows anew at each call: cells with `split` and `file_name`.

    Returns:
        The number of rows by split, and the kind of each column.

    Raises:
        SynthmedError: The disk is full.
    """
    columns: dict[str, _Column] = {}
    counts: dict[str, int] = {}
    for row in rows():
        split = row["split"]
        counts[split] = counts.get(split, 0) + 1
        for name, value in row.items():
            if name != "split" and not is_blank(value):
                columns.setdefault(name, _Column()).see(split, value)
    kinds = {name: column.kind(counts) for name, column in columns.items()}
    dates = {
        (split, name)
        for name, column in columns.items()
        for split, every in column.texts.items()
        if every and column.filled[split] == counts[split]
    }
    mask = columns.get("mask_file_name")
    if mask is not None:
        kinds["mask_file_name"] = "file"
        if set(mask.filled) != set(counts):  # an image column cannot be blank in a whole split
            kinds = {("mask" if n == "mask_file_name" else n): k for n, k in kinds.items()}
            kinds["mask"] = "text"
    for split in counts:
        _write(out / split / "metadata.jsonl", split, rows, kinds, dates)
    return counts, kinds


def _write(
    path: Path, split: str, rows: Rows, kinds: Mapping[str, str], dates: set[tuple[str, str]]
) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="replace") as file:
            first = True
            for row in rows():
                if row["split"] != split:
                    continue
                line = {name: _cell(row, name, kind, first) for name, kind in kinds.items()}
                for name in line if first else ():
                    if (split, name) in dates and kinds[name] == "text":
                        line[name] += " "
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                first = False
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SynthmedError(
            f"cannot write: {error.strerror}",
            where=path,
            mend="Free some space and give the same command again: finished images are kept.",
        ) from error


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "number" if abs(value) <= 2**53 else "text"
    if isinstance(value, float):
        return "number"
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return "list"
    return "JSON" if isinstance(value, list | tuple | dict) else "text"


def _cell(row: Mapping[str, Any], name: str, kind: str, first: bool) -> Any:
    value: Any = row.get("mask_file_name" if name == "mask" and "mask" not in row else name)
    if is_blank(value):
        if kind == "number":
            return float("nan") if first else None
        if kind == "list":
            return [""] if first else []
        return None if kind == "file" else ""
    if kind == "number":
        return float(value)
    if kind == "list":
        return list(value)
    if kind == "JSON":
        return json.dumps(value, ensure_ascii=False)
    return str(value) if kind == "text" else value
