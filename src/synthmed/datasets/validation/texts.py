"""Rows that say nothing of their image, unreadable rows, and patients who are not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from synthmed.datasets.row_reading import Rejected
from synthmed.datasets.rows import Row
from synthmed.datasets.validation.findings import Finding
from synthmed.datasets.validation.leakage import place


def text_findings(rows: Sequence[Row]) -> Iterator[Finding]:
    """Find rows without any words, and rows without a text in a dataset that has texts.

    A row without text, report, labels, view and body part has a caption that names its type at
    most. All are warnings.
    """
    some_text = any(row.text for row in rows)
    for row in rows:
        if not (row.text or row.report or row.labels or row.view or row.body_part):
            yield Finding(
                "text", "warning", place(row), "no text, report, labels, view or body part"
            )
        elif some_text and not row.text:
            yield Finding("text", "warning", place(row), "the text is blank; other rows have one")
        elif row.text and not any(letter.isalpha() for letter in row.text):
            yield Finding("text", "warning", place(row), "the text has no word")


def unreadable_findings(rejected: Sequence[Rejected]) -> Iterator[Finding]:
    """Turn the rows that a reader rejected into findings."""
    for bad in rejected:
        where = bad.file_name or f"{bad.table}, row {bad.line}"
        yield Finding("unreadable", "error", where, bad.reason)


def group_findings(rows: Sequence[Row], root: Path) -> Iterator[Finding]:
    """Warn, once, of rows whose group is only their own file."""
    alone = [row for row in rows if row.group_id == _own_file(row, root)]
    if alone:
        message = (
            f"{len(alone)} of {len(rows)} rows have no group_id: each file counts as its own "
            "patient, and the same patient in two splits is not found by name"
        )
        yield Finding("no-group", "warning", place(alone[0]), message)


def _own_file(row: Row, root: Path) -> str:
    try:
        return row.file.relative_to(root).as_posix()
    except ValueError:
        return ""
