"""`export`: a dataset folder to another format, in whole files; a finished export stays."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from synthmed.datasets.exporters.claim import PARTIAL, RECORD, check_apart, claim
from synthmed.datasets.exporters.fidelity import codec_psnr
from synthmed.datasets.exporters.job import Job, Progress
from synthmed.datasets.exporters.kinds import kind_of, kind_warnings
from synthmed.datasets.exporters.registry import load_format
from synthmed.datasets.exporters.tables import csv_bytes
from synthmed.datasets.folder import DatasetFolder, read_dataset
from synthmed.datasets.splits import content_hash
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic

_EXPORT_VERSION = 1


@dataclass(frozen=True)
class ExportResult:
    """What `export` wrote.

    Attributes:
        path: The folder of the export.
        format: Its format.
        images: Rows that are in it.
        rejected: File and reason of each row that is not; also in rejected.csv.
        warnings: What the user has been warned of.
    """

    path: Path
    format: str
    images: int
    rejected: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def export(
    folder: str | os.PathLike[str],
    format: str,
    out: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    **options: Any,
) -> ExportResult:
    """Write a dataset folder in another format.

    The same call gives the same bytes. Images are read and written one by one, shards and volumes
    one after the other, and each file is renamed into place when it is whole. A killed export
    continues when the call is repeated; a finished one is never overwritten. Rows that cannot be
    written are left out, with a reason, in rejected.csv.

    Args:
        folder: The dataset folder; it is only read.
        format: One of `FORMATS`: "png", "dicom", "nifti", "parquet", "webdataset", "csv".
        out: The folder of the export: new, empty, or one that the same call began.
        progress: Told (rows done, rows in all).
        options: Those of the format; see `Options` in its module.

    Returns:
        What was written.

    Raises:
        SynthmedError: No such folder or format, an option that the format does not have, a folder
            in use, no row that can be written, a full disk.
    """
    chosen = load_format(format)
    settings = chosen.read_options(options)
    source, target = Path(folder), Path(out)
    check_apart(source, target)
    with warnings.catch_warnings():  # restores what the reader's threads do to the filters
        dataset = read_dataset(source)
    key = content_hash(dataset.rows)
    plan = _plan_hash(key, dataset, format, asdict(settings))
    claim(target, plan, format, asdict(settings))
    job = Job(source, dataset.rows, target, key, dataset.info, progress)
    job.rejected += [(bad.file_name, bad.reason) for bad in dataset.rejected]
    job.notes += kind_warnings(dataset.rows)
    try:
        chosen.write(job, settings)
    except OSError as error:
        raise SynthmedError(
            f"cannot write the export: {error.strerror or error}",
            where=error.filename or target,
            mend="Free some space and give the same command again: whole files are kept.",
        ) from error
    return _finish(job, format, asdict(settings))


def _finish(job: Job, format: str, settings: dict[str, Any]) -> ExportResult:
    """Write rejected.csv and the record, and tell the warnings."""
    if not job.written:
        reason = f"; the first: {job.rejected[0][1]}" if job.rejected else ""
        raise SynthmedError(f"no row can be exported as {format}{reason}", where=job.source)
    if job.rejected:
        rows = [{"file": file, "reason": reason} for file, reason in job.rejected]
        write_atomic(job.out / "rejected.csv", b"".join(csv_bytes(rows, ["file", "reason"])))
        job.note(f"{len(job.rejected)} rows are not in the export; rejected.csv says why")
    record = {
        "export_version": _EXPORT_VERSION,
        "format": format,
        "options": settings,
        "images": job.written,
        "rejected": len(job.rejected),
        "kinds": _counts(kind_of(row) for row in job.rows),
        "codec_psnr_db": codec_psnr(job.info) or None,
        "warnings": job.notes,
        **{name: job.info[name] for name in _KEPT if name in job.info},
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    write_atomic(job.out / RECORD, text.encode("utf-8", "replace"))
    (job.out / PARTIAL).unlink(missing_ok=True)
    for note in job.notes:
        warnings.warn(note, stacklevel=3)
    return ExportResult(job.out, format, job.written, tuple(job.rejected), tuple(job.notes))


_KEPT = ("synthetic", "notice", "digital_source_type", "generation", "sources", "licences")


def _counts(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def _plan_hash(key: str, dataset: DatasetFolder, format: str, settings: dict[str, Any]) -> str:
    """Hash what decides the export's bytes: the images, their record, the format, its options."""
    facts = [_EXPORT_VERSION, key, dataset.info, [b.file_name for b in dataset.rejected]]
    text = json.dumps([*facts, format, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
