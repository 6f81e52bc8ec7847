"""Collect the usable rows of a folder's tables, and the others with a reason each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmed.datasets.columns import ColumnMap, matches
from synthmed.datasets.parsing import parse_row
from synthmed.datasets.rows import Row, as_text
from synthmed.datasets.table_reading import BROKEN
from synthmed.errors import SynthmedError
from synthmed.imaging.reading import check_image
from synthmed.imaging.spec import ImageSpec

# Where group_id is blank: the first of these that is not; patients are named by their source.
_GROUP_COLUMNS = ("patient_id", "lesion_id", "study_id", "duplicate_group")


@dataclass(frozen=True)
class Rejected:
    """A row that could not be used, and why.

    Attributes:
        file_name: The image as the table names it ("" if blank).
        reason: Why the row was left out.
        table: The table, relative to the dataset folder.
        line: The row's number in the table, the first row being 1.
    """

    file_name: str
    reason: str
    table: str
    line: int


class RowReader:
    """Collects rows, rejections and the two warnings of one read."""

    def __init__(self, root: Path, where: Mapping[str, Any]) -> None:
        self.root, self.where = root, where
        self.rows: list[tuple[Row, str, int]] = []
        self.rejected: list[Rejected] = []
        self.without_group = self.without_split = 0

    def add(
        self, row: Mapping[str, Any], mapping: ColumnMap, table: Path, line: int, split: str | None
    ) -> None:
        """Parse one row of a table, or say why not."""
        name = table.relative_to(self.root).as_posix()
        try:
            if BROKEN in row:
                raise ValueError(row[BROKEN])
            if not matches(row, self.where):
                return
            cells = mapping(row)
            if split is None and "split" not in cells:
                self.without_split += 1
                cells["split"] = "train"
            parsed = parse_row(cells, table.parent, split)
        except ValueError as error:
            bad_name = as_text(row.get("file_name"))
            self.rejected.append(Rejected(bad_name, str(error), name, line))
            return
        parsed.group_id = parsed.group_id or self._group(row)
        if not parsed.group_id:
            self.without_group += 1
            parsed.group_id = parsed.file.relative_to(self.root).as_posix()
        self.rows.append((parsed, name, line))

    def _group(self, row: Mapping[str, Any]) -> str:
        for column in _GROUP_COLUMNS:
            if value := as_text(row.get(column)):
                return f"{self.root.resolve().name}:{value}"
        return ""

    def checked(self) -> tuple[list[Row], ImageSpec]:
        """Check all images and masks, move the bad rows to `rejected`, give the common spec."""
        # Readers silence libraries; catch_warnings is not safe in threads, so this one has the last
        # word on the filters.
        with (
            warnings.catch_warnings(),
            ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool,
        ):
            results = list(pool.map(_check_files, (row for row, _, _ in self.rows)))
        good: list[Row] = []
        specs: list[ImageSpec] = []
        for (row, table, line), result in zip(self.rows, results, strict=True):
            if isinstance(result, ImageSpec):
                good.append(row)
                specs.append(result)
            else:
                self.rejected.append(Rejected(row.file_name, result, table, line))
        self.rejected.sort(key=lambda bad: (bad.table, bad.line))
        return good, max(specs, key=lambda spec: spec.channels, default=_NO_SPEC)

    def warn(self) -> None:
        """Warn, once each, of rows without a group or a split."""
        if self.without_group:
            warnings.warn(
                f"{self.root}: {self.without_group} rows have no group_id, so each file counts as "
                "its own patient; patients may be in several splits",
                stacklevel=3,
            )
        if self.without_split:
            warnings.warn(
                f"{self.root}: no column `split`, so all rows count as train", stacklevel=3
            )


_NO_SPEC = ImageSpec(1, 8, 127.5, 127.5, "stored value", "PNG")


def _check_files(row: Row) -> ImageSpec | str:
    """Give the image's spec, or the reason why the row cannot be used."""
    for mask in (row.mask_file, *row.masks.values()):
        if mask is not None and not os.path.isfile(mask):
            return f"the mask {mask.name} is missing"
    if not os.path.isfile(row.file):
        return "the image is missing"
    try:
        return check_image(row.file)
    except SynthmedError as error:
        return str(error)
