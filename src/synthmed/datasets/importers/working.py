"""Work through the items of an import: in processes, in order, journalled batch by batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.items import Importer, Item
from synthmed.datasets.importers.journal import Journal
from synthmed.datasets.importers.pool import run_ordered
from synthmed.datasets.importers.worker import Done, Worker

BATCH = 32  # items between two syncs of the journal
WARNINGS = 20  # rejected files named on standard error; rejected.csv names all
Progress = Callable[[int, int], None]


def work_through(
    worker: Worker,
    journal: Journal,
    earlier: int,
    total: int,
    jobs: int,
    timeout: float,
    progress: Progress | None,
) -> None:
    """Work on the items behind the journal's end; journal them batch by batch, in order."""
    seen = {uid for entry in journal.entries() for uid in entry["uids"] if uid}
    named = 0
    batch: list[dict[str, Any]] = []
    results = run_ordered(worker, _numbered(worker.importer, earlier), jobs, timeout)
    try:
        for count, (item, result) in enumerate(results, start=earlier + 1):
            done = Done(rejected=[(item.key, result)]) if isinstance(result, str) else result
            _drop_repeated(done, item, seen, worker.out)
            done.rejected = list(dict.fromkeys(done.rejected))
            for file, reason in done.rejected:
                named += 1
                if named <= WARNINGS:
                    warnings.warn(f"rejected {file}: {reason}", stacklevel=2)
            batch.append(
                {
                    "rows": done.rows,
                    "rejected": done.rejected,
                    "specs": done.specs,
                    "uids": [uid for uid in done.uids if uid],
                }
            )
            if len(batch) >= BATCH:
                journal.append(batch)
                batch = []
            if progress is not None:
                progress(count, total)
    finally:
        if batch:
            journal.append(batch)
    if named > WARNINGS:
        warnings.warn(f"{named - WARNINGS} more were rejected: see rejected.csv", stacklevel=2)


def _numbered(importer: Importer, start: int) -> Iterator[Item]:
    items = (replace(item, number=n) for n, item in enumerate(importer.items()))
    return islice(items, start, None)


def _drop_repeated(done: Done, item: Item, seen: set[str], out: Path) -> None:
    """Reject the rows whose picture is there already, and remove their images."""
    for index in reversed(range(len(done.rows))):
        uid = done.uids[index]
        if uid and uid in seen:
            row = done.rows.pop(index)
            del done.uids[index]
            for name in (row.get("file_name"), row.get("mask_file_name")):
                if name:
                    (out / row["split"] / name).unlink(missing_ok=True)
            done.rejected.append(
                (item.key, "the same image (SOP Instance UID) was imported before")
            )
    seen.update(uid for uid in done.uids if uid)
