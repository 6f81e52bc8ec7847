"""What a dataset holds and whom it shows, as hashes that can be kept and compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from synthmed.datasets.rows import Row, row_cells


def group_hashes(rows: Iterable[Row]) -> list[str]:
    """Hash the groups (patients) of rows, so that "who was seen" can be kept without names.

    Returns:
        The SHA-256 (hex) of each distinct `group_id`, sorted.
    """
    return sorted({hashlib.sha256(row.group_id.encode()).hexdigest() for row in rows})


def content_hash(rows: Iterable[Row]) -> str:
    """Hash what rows hold: their cells and the bytes of their images and masks.

    The order of the rows, blank cells and the place of the folder do not matter.

    Returns:
        A SHA-256 (hex).
    """
    return hashlib.sha256("\n".join(sorted(map(_row_hash, rows))).encode()).hexdigest()


def _row_hash(row: Row) -> str:
    cells = {**row_cells(row), "split": row.split}
    cells["file_hashes"] = [
        _file_hash(file) for file in (row.file, row.mask_file, *row.masks.values()) if file
    ]
    text = json.dumps(cells, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _file_hash(file: Path) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
