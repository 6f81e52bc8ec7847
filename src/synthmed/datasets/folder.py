"""Read a dataset folder: imagefolder splits with typed tables, or one table beside images/."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.columns import ColumnMap
from synthmed.datasets.row_reading import Rejected, RowReader
from synthmed.datasets.rows import Row
from synthmed.datasets.table_reading import column_names, find_tables, read_table
from synthmed.errors import SynthmedError
from synthmed.imaging.spec import ImageSpec


@dataclass(frozen=True)
class DatasetFolder:
    """A dataset that was read.

    Attributes:
        path: The folder.
        spec: The spec of its images; channels is 3 where any image is colour.
        rows: The usable rows, in the order of the tables.
        rejected: The rows left out, with reasons.
        info: The contents of dataset.json, {} where there is none.
    """

    path: Path
    spec: ImageSpec
    rows: list[Row]
    rejected: list[Rejected] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)

    def split(self, name: str) -> list[Row]:
        """Give the rows of one split ("train", "val" or "test")."""
        return [row for row in self.rows if row.split == name]


def read_dataset(
    path: str | os.PathLike[str],
    *,
    columns: Mapping[str, Any] | None = None,
    where: Mapping[str, Any] | None = None,
) -> DatasetFolder:
    """Read a dataset folder.

    Two layouts are read: `train/`, `val/`, `test/`, each with images and its own table, and one
    table with a `split` column at the root. Tables are metadata.jsonl or metadata.csv; cells of
    a CSV stay strings, so identifiers keep their zeros. A missing `group_id` is made of
    patient_id (as "folder:patient"), lesion_id, study_id or duplicate_group, else of the file
    name, with one warning; a table without `split` is all "train", with one warning.

    Args:
        path: The folder.
        columns: Contract column to source: a column's name, {"const": value},
            {"template": "x:{patient_id}"} (blank where a part is blank),
            {"map": {"from": "to"}, "from": column} (other values stay),
            {"split": "|", "from": column} (a list).
        where: Source column to the value, or list of values, that a row must have to be read.

    Returns:
        The usable rows, and the others with a reason each: a missing or damaged image, a split,
        age or box that cannot be. Bad rows never stop the rest.

    Raises:
        SynthmedError: No such folder, no table, a mapped column that the tables do not have, or
            no usable row.
    """
    root = Path(path)
    if not root.is_dir():
        raise SynthmedError("no such dataset folder", where=path, mend="Check the path.")
    reader = RowReader(root, where or {})
    for table, split in find_tables(root):
        cells = list(read_table(table))
        if not cells:
            continue
        mapping = ColumnMap(columns or {}, where or {}, column_names(cells), table)
        for line, row in enumerate(cells, start=1):
            reader.add(row, mapping, table, line, split)
    rows, spec = reader.checked()
    if not rows:
        first = f"; the first: {reader.rejected[0].reason}" if reader.rejected else ""
        raise SynthmedError(
            f"no usable row in this dataset ({len(reader.rejected)} rejected{first})",
            where=path,
            mend=f"Check its metadata table{' and the condition `where`' if where else ''}.",
        )
    reader.warn()
    return DatasetFolder(root, spec, rows, reader.rejected, _read_info(root))


def _read_info(root: Path) -> dict[str, Any]:
    try:
        info = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SynthmedError(
            f"cannot read dataset.json: {error}", where=root, mend="Restore or delete it."
        ) from error
    return info if isinstance(info, dict) else {}
