"""Masks of a row: copied beside an export's images under names of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic

MAX_MASK_BYTES = 1 << 28


def copy_masks(row: Row, out: Path, stem: str) -> dict[str, Any]:
    """Copy a row's masks to masks/<stem>.png and named-masks/<stem>/<n>.png.

    Returns:
        The cells `mask_file_name` and `masks` (name to file), relative to `out`; only those filled.

    Raises:
        SynthmedError: A mask that cannot be read.
    """
    cells: dict[str, Any] = {}
    if row.mask_file is not None:
        cells["mask_file_name"] = _copy(row.mask_file, out / "masks" / stem, out)
    if row.masks:
        cells["masks"] = {
            name: _copy(file, out / "named-masks" / stem / str(n), out)
            for n, (name, file) in enumerate(row.masks.items())
        }
    return cells


def read_bytes(path: Path) -> bytes:
    """Read a file that goes into an export as it is.

    Raises:
        SynthmedError: It is missing, or larger than 256 MB.
    """
    try:
        if path.stat().st_size > MAX_MASK_BYTES:
            raise SynthmedError("the file has more than 256 MB", where=path.name)
        return path.read_bytes()
    except OSError as error:
        raise SynthmedError(f"cannot read: {error.strerror or error}", where=path.name) from error


def _copy(source: Path, place: Path, out: Path) -> str:
    target = place.with_name(f"{place.name}{source.suffix}")
    if not target.exists():
        write_atomic(target, read_bytes(source))
    return target.relative_to(out).as_posix()
