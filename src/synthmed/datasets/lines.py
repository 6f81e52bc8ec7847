"""Grow a file of JSON lines by whole batches."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def append_lines(path: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add the entries of one batch, a line each, and see them on the disk.

    After an error the file is as it was.

    Args:
        path: The file; made if missing.
        entries: JSON values; the lines are ASCII.

    Raises:
        OSError: The disk is full or the folder cannot be written to.
    """
    lines = "".join(json.dumps(entry, ensure_ascii=True) + "\n" for entry in entries)
    size = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab") as file:
            file.write(lines.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        if path.exists():
            os.truncate(path, size)
        raise
