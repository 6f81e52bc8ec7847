"""What every format gets: the rows, where to write, and a place for what could not be written."""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
Progress = Callable[[int, int], None]
"""Told (rows done, rows in all)."""


@dataclass
class Job:
    """An export that is under way.

    Attributes:
        source: The dataset folder.
        rows: Its usable rows, in the order of its tables.
        out: The folder to write to.
        key: SHA-256 (hex) of the dataset's content; it keys pseudonyms and UIDs, and is not
            written into the export.
        info: The contents of dataset.json.
        rejected: File and reason of what could not be written.
        notes: Warnings for the user, one sentence each, told once at the end.
        written: Rows that are in the export.
    """

    source: Path
    rows: Sequence[Row]
    out: Path
    key: str
    info: Mapping[str, Any]
    progress: Progress | None = None
    rejected: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: int = 0

    def name(self, row: Row) -> str:
        """Name a row's image relative to the dataset folder, with forward slashes."""
        return Path(os.path.relpath(row.file, self.source)).as_posix()

    def stem(self, row: Row) -> str:
        """Name a row's place in an export: split and file name, without images/ and suffix."""
        inner = Path(row.file_name)
        parts = inner.parts[1:] if inner.parts[0] in {"images", row.split} else inner.parts
        return (Path(row.split).joinpath(*parts).with_suffix("")).as_posix()

    def each(self) -> Iterator[Row]:
        """Go through the rows and tell the progress."""
        for number, row in enumerate(self.rows):
            yield row
            self.step(number + 1)

    def step(self, done: int) -> None:
        """Tell that so many rows are done."""
        if self.progress is not None:
            self.progress(done, len(self.rows))

    def reject(self, row: Row, reason: object) -> None:
        """Leave a row out of the export, with a reason.

        Raises:
            SynthmedError: The reason is a disk that takes no more: that stops the export.
        """
        cause = reason.__cause__ if isinstance(reason, SynthmedError) else None
        if isinstance(cause, OSError) and cause.errno in _DISK and isinstance(reason, Exception):
            raise reason
        self.rejected.append((self.name(row), " ".join(str(reason).split())))

    def note(self, sentence: str) -> None:
        """Keep a warning; the same one is told once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def pseudonym(self, text: str) -> str:
        """Give 16 hex digits for a text: HMAC-SHA256 under the dataset's key, cut."""
        digest = hmac.new(self.key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return digest.hexdigest()[:16]


def unique_stems(job: Job) -> dict[str, str]:
    """Give each row's place in the export by its name in the dataset.

    Two images that differ only in their suffix (a.png, a.jpg) or in a folder `images/` would fall
    on one place; the later ones get a number.

    Raises:
        SynthmedError: One image is named by two rows.
    """
    stems: dict[str, str] = {}
    used: set[str] = set()
    for row in job.rows:
        name, stem = job.name(row), job.stem(row)
        if name in stems:
            raise SynthmedError("two rows have the same image", where=name, mend="Remove one.")
        number, free = 1, stem
        while free.lower() in used:  # some disks know no capital letters
            number += 1
            free = f"{stem}-{number}"
        used.add(free.lower())
        stems[name] = free
    return stems
