"""The engine of all importers: list, read in processes, journal, finish."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.finishing import finish
from synthmed.datasets.importers.items import Importer
from synthmed.datasets.importers.journal import Journal, claim, remove_temporary
from synthmed.datasets.importers.pseudonyms import Pseudonyms, open_salt
from synthmed.datasets.importers.splitting import Shares
from synthmed.datasets.importers.worker import Worker
from synthmed.datasets.importers.working import Progress, work_through
from synthmed.errors import SynthmedError


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Attributes:
        path: The dataset folder.
        images: Rows with an image.
        reports: Rows without one, in reports.jsonl.
        groups: Patients, or what else must stay in one split.
        rejected: Files and rows left out; rejected.csv has the reasons.
        torn: Groups that the source itself has put into several splits.
        flagged: Rows in whose texts identifiers may be left (column `identifiers_found`).
        continued: Items that an earlier run had finished.
    """

    path: Path
    images: int
    reports: int
    groups: int
    rejected: int
    torn: int
    flagged: int
    continued: int


def run_import(
    importer: Importer,
    out: Path,
    *,
    name: str,
    salt: Path,
    shares: Shares = (0.8, 0.1, 0.1),
    seed: int = 0,
    jobs: int = 1,
    timeout: float = 600.0,
    info: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> ImportResult:
    """Import a source into a new dataset folder, or continue an import that was stopped.

    Args:
        importer: The source.
        out: The dataset folder.
        name: Name of the source, the first part of each `group_id`.
        salt: File of the salt, outside the dataset.
        shares: Shares of train, val and test where the source names no split.
        seed: Seed of the splits.
        jobs: Worker processes; 1 works in this process.
        timeout: Seconds after which an item is given up (with several jobs).
        info: What dataset.json says besides.
        progress: Called with (items done, items).

    Raises:
        SynthmedError: Nothing to import, a folder in use, a full disk, or no usable item (then
            rejected.csv is there, and dataset.json is not).
    """
    total, listing = _listing(importer)
    if total == 0:
        raise SynthmedError("nothing to import was found", mend="Check the source and --from.")
    secret = open_salt(salt, out)
    pseudonyms = Pseudonyms(secret, name)
    settings = {
        **importer.describe(),
        "name": name,
        "salt": pseudonyms.fingerprint(),
        "shares": list(shares),
        "seed": seed,
        "items": total,
        "files of the source": pseudonyms.of("listing", listing),
    }
    claim(out, settings)
    remove_temporary(out)
    journal = Journal(out)
    earlier = journal.recover()
    work_through(
        Worker(importer, out, pseudonyms, shares, seed),
        journal,
        earlier,
        total,
        jobs,
        timeout,
        progress,
    )
    details = {"name": name, **importer.describe(), "split": {"shares": list(shares), "seed": seed}}
    survey = finish(out, journal, {**_statement(details), **(info or {})})
    if not survey.images and not survey.reports:
        raise SynthmedError(
            f"nothing could be imported: all {survey.rejected} files or rows were rejected",
            where=out,
            mend="rejected.csv there has the reasons; remove the folder before another try.",
        )
    return ImportResult(
        out,
        survey.images,
        survey.reports,
        len(survey.splits),
        survey.rejected,
        len(survey.torn),
        survey.flagged,
        earlier,
    )


def _listing(importer: Importer) -> tuple[int, str]:
    """Count the items, and give a digest of their names and place."""
    digest = hashlib.sha256(str(getattr(importer, "source", "")).encode("utf-8", "surrogateescape"))
    count = getattr(importer, "count", None)  # where listing is dear, the importer counts itself
    if count is not None:
        return int(count()), digest.hexdigest()
    total = 0
    for item in importer.items():
        total += 1
        digest.update(f"\n{item.key}".encode("utf-8", "surrogatepass"))
    return total, digest.hexdigest()


def _statement(details: dict[str, Any]) -> dict[str, Any]:
    """Say in dataset.json how the rows were made and what was taken from them."""
    return {
        "import": details,
        "split_rule": "by the source where it names splits, else by a keyed hash of the group",
        "deidentification": (
            "DICOM PS3.15 Annex E, Basic Profile, with the options Retain Patient Characteristics "
            "and Retain Longitudinal Temporal Information With Modified Dates; pixels unchanged"
        ),
    }


def default_jobs() -> int:
    """Give the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
