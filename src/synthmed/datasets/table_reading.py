"""Find a dataset folder's tables and read their cells; a broken line never stops the rest."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError

BROKEN = "\0broken"  # the column of a row that could not be parsed; its cell is the reason
_TABLES = ("metadata.jsonl", "metadata.csv")
_SPLIT_FOLDERS = {"train": "train", "val": "val", "validation": "val", "test": "test"}
_MAX_CELL = 1 << 24  # characters; a cell of boxes may be long


def find_tables(root: Path) -> list[tuple[Path, str | None]]:
    """Give the tables, each with its split where the folder says it."""
    found: list[tuple[Path, str | None]] = []
    for folder, split in _SPLIT_FOLDERS.items():
        table = next((root / folder / t for t in _TABLES if (root / folder / t).is_file()), None)
        if table is not None:
            found.append((table, split))
    root_table = next((root / t for t in _TABLES if (root / t).is_file()), None)
    if not found and root_table is not None:
        found.append((root_table, None))
    if not found and any(root.rglob("*.dcm")):
        raise SynthmedError(
            "this is a folder of DICOM files, no dataset folder",
            where=root,
            mend="Import it first: synthmed import FOLDER --out DATASET",
        )
    if not found:
        raise SynthmedError(
            "no metadata table in this dataset folder",
            where=root,
            mend="Put a metadata.csv with the columns file_name and split beside the images, or a "
            "metadata.jsonl into train/, val/ and test/.",
        )
    return found


def read_table(table: Path) -> Iterator[dict[str, Any]]:
    """Give the cells of each row by column; a broken row has a reason under `BROKEN`.

    Raises:
        SynthmedError: The table cannot be read at all.
    """
    readers: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
        ".csv": _read_csv,
        ".jsonl": _read_jsonl,
    }
    try:
        yield from readers[table.suffix](table)
    except (OSError, ValueError, csv.Error) as error:
        raise SynthmedError(
            f"cannot read this table: {error}", where=table, mend="Save it as UTF-8 text."
        ) from error


def _read_csv(table: Path) -> Iterator[dict[str, Any]]:
    limit = csv.field_size_limit(_MAX_CELL)
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            header = next((row for row in lines if row), [])
            for cells in filter(None, lines):
                row: dict[str, Any] = dict(zip(header, cells, strict=False))
                row.pop("", None)  # a column without a name, such as pandas' index
                if len(cells) != len(header):
                    row[BROKEN] = f"the row has {len(cells)} cells, the header {len(header)}"
                yield row
    finally:
        csv.field_size_limit(limit)


def _read_jsonl(table: Path) -> Iterator[dict[str, Any]]:
    with open(table, encoding="utf-8-sig") as file:
        for text in filter(str.strip, file):
            try:
                cells = json.loads(text)
            except ValueError:
                cells = None
            yield cells if isinstance(cells, dict) else {BROKEN: "the line is no JSON object"}


def column_names(cells: list[dict[str, Any]]) -> list[str]:
    """Give the columns of a table's rows, in their order."""
    return list(dict.fromkeys(name for row in cells for name in row if name != BROKEN))
