"""The end of a render run: the tables and dataset.json, and what the caller is told."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import SPLITS, Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.xray.render_journal import REJECTED, Journal, remove_temporary, write_rejected
from synthmed.xray.render_rows import DIGITAL_SOURCE_TYPE, NOTICE, row_of, spec_of
from synthmed.xray.render_run import Run


@dataclass(frozen=True)
class RenderResult:
    """What `render` made.

    Attributes:
        path: The dataset folder.
        images: Images in the dataset.
        made: Images made by this call; the others were there from an earlier one.
        groups: Patients (or volumes) in the dataset.
        domains: Images by domain, which is the exposure's name.
        splits: Images by split.
        rejected: Name and reason of the CTs and poses that could not be rendered.
        warnings: What else should be known.
    """

    path: Path
    images: int
    made: int
    groups: int
    domains: dict[str, int]
    splits: dict[str, int]
    rejected: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def fill(run: Run, info: Mapping[str, Any]) -> RenderResult:
    """Render what the folder lacks, and finish the dataset.

    Args:
        run: The run; its folder is claimed.
        info: What dataset.json says besides.

    Raises:
        SynthmedError: As `Run.work`; or nothing could be rendered.
    """
    remove_temporary(run.out)
    journal = Journal(run.out)
    journal.recover()
    run.work(journal)
    write_rejected(run.out, run.rejected)
    entries = list(run.entries(journal))
    if not entries:
        raise SynthmedError(
            f"nothing could be rendered; the first reason: {run.rejected[0][1]}",
            where=run.rejected[0][0],
            mend=f"All reasons are in {run.out / REJECTED}.",
        )
    about = {
        "synthetic": True,
        "derived_from_patient": True,
        "notice": NOTICE,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        "split_rule": "by patient: all renders of a patient's CTs lie in one split",
        **info,
    }
    writer = DatasetWriter(run.out, spec_of(run.bits), about)
    for entry in entries:
        row, spec = row_of(entry, run.out, run.bits)
        writer.add(row, None, spec=spec)
    rows = writer.finish().rows
    journal.remove()
    return _result(run, rows)


def finished(run: Run) -> RenderResult:
    """Give the result of a folder that an earlier call has finished.

    Raises:
        SynthmedError: Images are missing there.
    """
    Journal(run.out).remove()  # of a run that was killed at its very end
    folder = read_dataset(run.out)
    if folder.rejected:
        raise SynthmedError(
            f"the finished dataset lacks {len(folder.rejected)} of its images",
            where=run.out,
            mend="Name a new folder.",
        )
    if (run.out / REJECTED).exists():
        with (run.out / REJECTED).open(encoding="utf-8", newline="") as file:
            run.rejected = [(row[0], row[1]) for row in list(csv.reader(file))[1:]]
    return _result(run, folder.rows)


def _result(run: Run, rows: Sequence[Row]) -> RenderResult:
    splits = Counter(row.split for row in rows)
    return RenderResult(
        path=run.out,
        images=len(rows),
        made=run.made,
        groups=len({row.group_id for row in rows}),
        domains=dict(Counter(row.domain for row in rows)),
        splits={split: splits[split] for split in SPLITS if splits[split]},
        rejected=tuple(run.rejected),
        warnings=tuple(run.notes),
    )
