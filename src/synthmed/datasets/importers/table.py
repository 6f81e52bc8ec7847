"""Import images that a table (CSV or JSON lines) lists, its columns mapped to the contract's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.columns import ColumnMap, matches
from synthmed.datasets.importers.items import Item, Mask, Picture, RejectedError
from synthmed.datasets.parsing import parse_row
from synthmed.datasets.rows import Row, as_text, row_cells
from synthmed.datasets.table_reading import BROKEN, find_tables, read_table
from synthmed.errors import SynthmedError

# Columns that name a person by themselves; they are dropped, whatever they hold.
IDENTIFYING = re.compile(
    r"(patient|subject|person|study|series|accession|physician|first|last|family|given|sur|middle)?"
    r"[ _-]?(name|id|ids|uid|number|mrn|ssn)|mrn|ssn|.*(address|phone|e-?mail|birth|dob|street|"
    r"postcode|zip)|.*date(time)?|.*timestamp|(referring|operator|performing).*",
    re.IGNORECASE,
)
_GROUPS = ("patient_id", "subject_id", "lesion_id", "study_id", "duplicate_group")


@dataclass(frozen=True)
class TableImporter:
    """Reads the images of a table; masks and boxes come along.

    A column that names a person or a date by its heading (`IDENTIFYING`) is dropped after the
    group was made of it; texts stay and are searched. `group_id` is, if not mapped, made of
    patient_id, subject_id, lesion_id, study_id or duplicate_group.

    Attributes:
        source: The folder that file names are relative to, or the table itself.
        table: The table, where it is not metadata.csv or metadata.jsonl in the folder.
        columns: Contract column to source, as `synthmed.read_dataset` explains.
        where: Source column to the value or values that a row must have.
        keep: Identifying headings to keep all the same.
    """

    source: Path
    table: Path | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    keep: tuple[str, ...] = ()

    def items(self) -> Iterator[Item]:
        """List the rows that `where` allows, in the order of the tables.

        Raises:
            SynthmedError: No table, or a mapped column that it does not have.
        """
        for table, split in self._tables():
            folder = self.source if self.table and self.source.is_dir() else table.parent
            header = dict.fromkeys(n for row in read_table(table) for n in row if n != BROKEN)
            mapping = ColumnMap(self.columns, self.where, list(header), table)
            for line, row in enumerate(read_table(table), start=1):
                key = f"{table.name}:{line}" + (f" ({split})" if split else "")
                if BROKEN in row:
                    yield Item(key, (None, str(row[BROKEN]), "", split))
                elif matches(row, self.where):
                    name = as_text(row.get("file_name"))
                    yield Item(key, (folder, mapping(row), name, split))

    def read(self, item: Item) -> Iterator[Picture]:
        """Read a row's image and masks.

        Raises:
            RejectedError, SynthmedError: The row's cells or its image cannot be used.
        """
        from synthmed.imaging.reading import open_image, open_mask

        folder, cells, _, split = item.payload
        if folder is None:
            raise RejectedError(cells)
        group = as_text(cells.get("group_id")) or _group(cells)
        given = split or as_text(cells.get("split"))
        try:
            row = parse_row({**cells, "split": given or "train"}, folder)
        except ValueError as error:
            raise RejectedError(str(error)) from error
        _check_inside(folder, row)
        x, spec = open_image(row.file)
        masks: dict[str, Mask] = {name: open_mask(path) for name, path in row.masks.items()}
        yield Picture(
            x,
            spec,
            group,
            self._kept(row),
            study=row.study_id,
            split=row.split if given else "",
            mask=None if row.mask_file is None else open_mask(row.mask_file),
            masks=masks,
            secrets=_secrets(cells),
        )

    def describe(self) -> dict[str, Any]:
        """Give the settings."""
        return {
            "format": "table",
            "columns": dict(self.columns),
            "where": dict(self.where),
            "keep": list(self.keep),
        }

    def _tables(self) -> list[tuple[Path, str | None]]:
        if self.table is not None or self.source.is_file():
            table = self.table or self.source
            if not table.is_file() or table.suffix not in {".csv", ".jsonl"}:
                raise SynthmedError(
                    "no such table", where=table, mend="Name a .csv or .jsonl file."
                )
            return [(table, None)]
        return find_tables(self.source)

    def _kept(self, row: Row) -> dict[str, Any]:
        dropped = {"group_id", "study_id", "file_name", "mask_file_name", "masks"}
        cells = {name: value for name, value in row_cells(row).items() if name not in dropped}
        for name in row.extra:
            reserved = name == "image" or name.endswith(("_file_name", "_file_names"))
            if reserved or (IDENTIFYING.fullmatch(name) and name not in self.keep):
                cells.pop(name, None)
        return cells


def _group(cells: Mapping[str, Any]) -> str:
    for column in _GROUPS:
        if value := as_text(cells.get(column)):
            return f"{column}\x1f{value}"
    return ""


def _secrets(cells: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the row's own identifiers, which other columns and texts may repeat."""
    columns = ("patient_id", "subject_id", "mrn", "accession", "patient_name")
    return tuple(dict.fromkeys(filter(None, (as_text(cells.get(column)) for column in columns))))


def _check_inside(folder: Path, row: Row) -> None:
    """Refuse links that lead out of the folder."""
    top = folder.resolve()
    for path in filter(None, (row.file, row.mask_file, *row.masks.values())):
        try:
            inside = path.resolve().is_relative_to(top)
        except (OSError, RuntimeError, ValueError) as error:
            raise RejectedError(f"cannot follow {path.name}: {error}") from error
        if not inside:
            raise RejectedError(f"{path.name} is a link that leads out of the folder")
