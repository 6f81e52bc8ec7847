"""Rows in shards of bounded size, planned before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthmed.datasets.exporters.job import Job
from synthmed.datasets.exporters.masks import read_bytes
from synthmed.datasets.rows import SPLITS, Row
from synthmed.errors import SynthmedError

MAX_ROWS = 10_000  # of a shard
SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class ShardOptions:
    """Options of the exports in shards.

    Attributes:
        shard_size: Megabytes of images and masks in a shard, at most (a larger image has its own).

    Raises:
        SynthmedError: A size that is not from 1 to 10,000 MB.
    """

    shard_size: int = 256

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be."""
        if not 1 <= self.shard_size <= 10_000:
            raise SynthmedError(f"a shard of {self.shard_size} MB", mend="Give 1 to 10000.")


def plan_shards(
    rows: Sequence[Row], megabytes: int
) -> Iterator[tuple[str, list[list[tuple[int, Row]]]]]:
    """Give each split that has rows and its shards, by the sizes of the files.

    Args:
        rows: All rows.
        megabytes: A shard is closed when its images and masks would exceed this.

    Yields:
        The split's name ("train", "validation", "test") and, for each shard, its rows with their
        numbers within the split.
    """
    for split in SPLITS:
        shards: list[list[tuple[int, Row]]] = []
        size = 0
        numbered = enumerate(row for row in rows if row.split == split)
        for number, row in numbered:
            own = sum(_size(file) for file in files_of(row))
            full = bool(shards) and (
                size + own > megabytes * 1_000_000 or len(shards[-1]) >= MAX_ROWS
            )
            if not shards or full:
                shards.append([])
                size = 0
            shards[-1].append((number, row))
            size += own
        if shards:
            yield SPLIT_NAMES[split], shards


def files_of(row: Row) -> list[Path]:
    """Give a row's image and masks."""
    masks = [row.mask_file] if row.mask_file is not None else []
    return [row.file, *masks, *row.masks.values()]


def load(job: Job, row: Row) -> dict[Path, bytes] | None:
    """Read a row's files; None, and a rejection, where one cannot be read."""
    try:
        return {file: read_bytes(file) for file in files_of(row)}
    except SynthmedError as error:
        job.reject(row, error)
        return None


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
