"""Tables of an export: CSV that `read_dataset` reads again, written row by row."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.rows import Row, as_text, row_cells
from synthmed.errors import SynthmedError

_SPOKEN_FOR = ("file_name", "split", "provenance", "mask_file_name", "masks")
_NEVER = ("original_sop_instance_uid",)  # leads back to the patient


def cells_of(row: Row) -> dict[str, Any]:
    """Give a row's cells with its split and provenance (generated, edited or real).

    Left out are the names of its files, which the format gives, and the original's UID.
    """
    cells = {"split": row.split, "provenance": kind_of(row)}
    left_out = {"mask_file_name", "masks", "file_name", *cells, *_NEVER}
    return cells | {name: v for name, v in row_cells(row).items() if name not in left_out}


def check_cells(row: Row) -> None:
    """Check that a row can stand in a CSV, before its image is written.

    Raises:
        SynthmedError: As `csv_cell`.
    """
    for value in cells_of(row).values():
        csv_cell(value)


def columns_of(rows: Iterable[Row], first: Sequence[str] = ()) -> list[str]:
    """Give the columns of a table of rows: `first`, then those that any row fills."""
    return list(dict.fromkeys([*first, *(name for row in rows for name in cells_of(row))]))


def csv_cell(value: Any) -> str:
    """Give a cell's text as `read_dataset` reads it: lists of texts by bars, the rest as JSON.

    Raises:
        SynthmedError: A label that holds the bar itself, which no reader could tell apart.
    """
    if isinstance(value, list | tuple) and value and all(isinstance(v, str) for v in value):
        if any("|" in part for part in value):
            raise SynthmedError("a label holds the separator of lists, a vertical bar")
        return "|".join(value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return as_text(value)


def csv_bytes(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """Give the header and the lines of a CSV in UTF-8, one after the other."""
    for cells in ({column: column for column in columns}, *rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(csv_cell(cells.get(c)) for c in columns)
        yield line.getvalue().encode("utf-8", "replace")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write under a temporary name; it gets its own name when the block is done.

    Args:
        path: The file; its folder is made.

    Yields:
        The open file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class TableWriter:
    """Writes the metadata.csv of an export, line by line.

    Args:
        stream: The open file.
        columns: Its columns; cells of others are left out.
    """

    def __init__(self, stream: BinaryIO, columns: Sequence[str]) -> None:
        self.stream, self.columns = stream, list(columns)
        stream.write(next(csv_bytes([], self.columns)))

    def add(self, cells: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            SynthmedError: A cell that CSV cannot hold.
        """
        line = list(csv_bytes([cells], self.columns))[1]
        self.stream.write(line)


def plain_columns(rows: Sequence[Row], added: Sequence[str] = ()) -> list[str]:
    """Give the columns of an export's metadata.csv: file and split first, `added` at the end."""
    filled = columns_of(rows)
    masks = [c for c, any_ in _mask_columns(rows).items() if any_]
    rest = [c for c in filled if c not in {*_SPOKEN_FOR, *added}]
    return ["file_name", "split", "provenance", *rest, *masks, *added]


def _mask_columns(rows: Sequence[Row]) -> dict[str, bool]:
    return {
        "mask_file_name": any(row.mask_file for row in rows),
        "masks": any(row.masks for row in rows),
    }
