"""Export to one CSV table; the images stay in the dataset folder."""

from __future__ import annotations

from dataclasses import dataclass

from synthmed.datasets.exporters.job import Job
from synthmed.datasets.exporters.tables import TableWriter, cells_of, plain_columns, whole_file
from synthmed.errors import SynthmedError


@dataclass(frozen=True)
class Options:
    """The CSV export has no options."""


def write(job: Job, options: Options) -> None:
    """Write metadata.csv; file names are relative to the dataset folder."""
    with whole_file(job.out / "metadata.csv") as stream:
        table = TableWriter(stream, plain_columns(job.rows))
        for row in job.each():
            cells = {**cells_of(row), "file_name": job.name(row)}
            if row.mask_file is not None:
                cells["mask_file_name"] = row.mask_file.relative_to(job.source).as_posix()
            if row.masks:
                cells["masks"] = {
                    name: file.relative_to(job.source).as_posix()
                    for name, file in row.masks.items()
                }
            try:
                table.add(cells)
            except SynthmedError as error:
                job.reject(row, error)
            else:
                job.written += 1
