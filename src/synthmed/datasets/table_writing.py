"""Tables in JSON lines whose types any reader infers alike, split by split.

Readers such as `datasets.load_dataset("imagefolder")` infer a column's type from the first rows
of each split and refuse splits that differ. JSON cannot say the type of a blank, so the first row
of a split that would give no type holds a typed blank instead of null: NaN for a number, [""] for
a list of texts; a column of dates keeps its text type by a space after the first. `read_dataset`
takes all three for what they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from synthmed.datasets.rows import is_blank

Cells = Mapping[str, Any]
_FIRST_BYTES = 8 << 20  # readers infer types from the first 10 MB
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T].*)?$")  # texts that readers take for time stamps


def table_texts(splits: Mapping[str, Sequence[Cells]]) -> tuple[dict[str, str], dict[str, str]]:
    """Give the text of each split's metadata.jsonl and the kind of each column.

    Args:
        splits: The cells of each split's rows, without blanks, `file_name` in each.

    Returns:
        JSON lines by split, and one of "text", "integer", "number", "boolean", "list", "JSON",
        "file" by column. All splits have the same columns; columns without any value are left out.
    """
    filled = {name: rows for name, rows in splits.items() if rows}
    columns = list(dict.fromkeys(column for rows in filled.values() for r in rows for column in r))
    early = [_early(rows) for rows in filled.values()]
    kinds = {column: _kind(column, filled, early) for column in columns}
    texts = {
        split: _text(rows, kinds, seen)
        for (split, rows), seen in zip(filled.items(), early, strict=True)
    }
    if kinds.get("mask_file_name") == "text":
        kinds["mask"] = kinds.pop("mask_file_name")
    return texts, kinds


def _early(rows: Sequence[Cells]) -> set[str]:
    """Give the columns that have a value among the rows that a reader infers types from."""
    seen: set[str] = set()
    size = 0
    for row in rows:
        seen.update(row)
        size += len(json.dumps(row, default=str))
        if size > _FIRST_BYTES:
            break
    return seen


def _kind(column: str, splits: Mapping[str, Sequence[Cells]], early: Sequence[set[str]]) -> str:
    values = [row[column] for rows in splits.values() for row in rows if column in row]
    typed = all(column in seen for seen in early)  # each split shows the type by itself
    if column == "mask_file_name":
        return "file" if typed else "text"  # an image column cannot be blank in a whole split
    if all(isinstance(v, bool) for v in values):
        return "boolean" if typed else "text"
    if all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        exact = max(map(abs, values)) <= 2**53
        return "integer" if typed else "number" if exact else "text"
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return "number"
    if all(isinstance(v, list | tuple) and all(isinstance(p, str) for p in v) for v in values):
        return "list"
    return "JSON" if any(isinstance(v, list | tuple | dict) for v in values) else "text"


def _text(rows: Sequence[Cells], kinds: Mapping[str, str], seen: set[str]) -> str:
    lines = [
        {column: _cell(row.get(column), kind) for column, kind in kinds.items()} for row in rows
    ]
    for column, kind in kinds.items():
        if kind == "number" and column not in seen:
            lines[0][column] = float("nan")
        elif kind == "list" and column not in seen:
            lines[0][column] = [""]
        elif kind == "text" and all(_DATE.match(line[column]) for line in lines):
            lines[0][column] += " "
    if kinds.get("mask_file_name") == "text":
        lines = [
            {("mask" if k == "mask_file_name" else k): v for k, v in ln.items()} for ln in lines
        ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _cell(value: Any, kind: str) -> Any:
    if is_blank(value):
        return {"text": "", "JSON": "", "list": []}.get(kind)
    if kind == "number":
        return float(value)
    if kind == "JSON":
        return json.dumps(value, ensure_ascii=False)
    if kind == "list":
        return list(value)
    return str(value) if kind == "text" else value
