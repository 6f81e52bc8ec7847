"""Finish an import: day offsets, tables, rejected.csv, and dataset.json last."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.items import DAY
from synthmed.datasets.importers.journal import CLAIM, JOURNAL, Journal
from synthmed.datasets.importers.tables import write_tables
from synthmed.datasets.parsing import parse_row
from synthmed.datasets.rows import SPLITS, Row
from synthmed.datasets.splits import content_hash
from synthmed.datasets.table_reading import read_table
from synthmed.datasets.writing import FORMAT_VERSION
from synthmed.imaging.spec import ImageSpec
from synthmed.imaging.writing import write_atomic

REPORTS = "reports.jsonl"


@dataclass
class Survey:
    """What the journal holds, in numbers that do not grow with the rows but with the groups.

    Attributes:
        first_days: The first stored day of each group.
        splits: The first split of each group.
        torn: Groups that lie in several splits.
        spec: The richest spec: of most channels, then most bits.
        images: Rows with an image.
        reports: Rows without one.
        rejected: Files and rows left out.
        flagged: Rows in whose texts identifiers may be left.
    """

    first_days: dict[str, int] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    torn: set[str] = field(default_factory=set)
    spec: dict[str, Any] = field(default_factory=dict)
    images: int = 0
    reports: int = 0
    rejected: int = 0
    flagged: int = 0

    def add(self, entry: Mapping[str, Any]) -> None:
        """Count one entry of the journal."""
        self.rejected += len(entry["rejected"])
        for spec in entry["specs"]:
            rank = (spec["channels"], spec["bits"])
            if not self.spec or rank > (self.spec["channels"], self.spec["bits"]):
                self.spec = spec
        for row in entry["rows"]:
            group = row["group_id"]
            self.images += "file_name" in row
            self.reports += "file_name" not in row
            self.flagged += "identifiers_found" in row
            if self.splits.setdefault(group, row["split"]) != row["split"]:
                self.torn.add(group)
            if DAY in row:
                self.first_days[group] = min(row[DAY], self.first_days.get(group, row[DAY]))


def finish(out: Path, journal: Journal, info: Mapping[str, Any]) -> Survey:
    """Write what makes the folder a dataset, from the journal; then remove the journal.

    Args:
        out: The dataset folder.
        journal: The finished items.
        info: What dataset.json says besides.

    Returns:
        What the folder holds.

    Raises:
        SynthmedError: The disk is full.
    """
    survey = Survey()
    for entry in journal.entries():
        survey.add(entry)
    _write_rejected(out, journal)
    facts: dict[str, Any] = {"format_version": FORMAT_VERSION}
    if survey.images:
        counts, kinds = write_tables(out, lambda: _rows(journal, survey, images=True))
        common = {**survey.spec, "spacing": None, "window": None}  # those are the rows' own
        facts["spec"] = ImageSpec.from_dict(common).to_dict()
        facts["rows"] = {split: counts.get(split, 0) for split in SPLITS}
        facts["columns"] = kinds
        facts["content_hash"] = content_hash(_read_back(out, counts))
    if survey.reports:
        facts["reports"] = survey.reports
        _write_reports(out, journal, survey)
    if survey.images or survey.reports:
        data = json.dumps({**facts, **info}, indent=2, ensure_ascii=False) + "\n"
        write_atomic(out / "dataset.json", data.encode("utf-8"))
    for name in (JOURNAL, CLAIM):
        (out / name).unlink(missing_ok=True)
    return survey


def _rows(journal: Journal, survey: Survey, *, images: bool) -> Iterator[dict[str, Any]]:
    for entry in journal.entries():
        for row in entry["rows"]:
            if ("file_name" in row) is not images:
                continue
            if DAY in row:
                row["day_offset"] = float(row.pop(DAY) - survey.first_days[row["group_id"]])
            yield row


def _write_reports(out: Path, journal: Journal, survey: Survey) -> None:
    rows = _rows(journal, survey, images=False)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_atomic(out / REPORTS, lines.encode("utf-8", "replace"))


def _write_rejected(out: Path, journal: Journal) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", "reason"])
    for entry in journal.entries():
        table.writerows(entry["rejected"])
    write_atomic(out / "rejected.csv", text.getvalue().encode("utf-8", "backslashreplace"))


def _read_back(out: Path, counts: Mapping[str, int]) -> Iterator[Row]:
    for split in (name for name in SPLITS if name in counts):
        table = out / split / "metadata.jsonl"
        for cells in read_table(table):
            yield parse_row(cells, table.parent, split)
