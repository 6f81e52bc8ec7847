"""The folder of a run: claimed by its plan, with a journal of the images that are finished.

A killed run leaves whole images, a journal whose last line may be torn, and perhaps a temporary
file. The journal grows by one batch at a time and is fsynced, so a rerun continues at the first
batch that it lacks.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthmed.datasets.lines import append_lines
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic
from synthmed.synthesis.plan import Plan

PLAN = "plan.json"
JOURNAL = "rows.jsonl.partial"
_FORMAT = "synthmed plan 1"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def claim(out: Path, plan: Plan) -> None:
    """Make a folder this plan's own, or find that it is already.

    Args:
        out: The dataset folder; made if it is not there.
        plan: The plan of the run.

    Raises:
        SynthmedError: The folder is in use by something else or by a run of other settings.
    """
    if out.exists() and not out.is_dir():
        raise SynthmedError("the dataset folder is a file", where=out, mend="Name a folder.")
    record = out / PLAN
    if not record.exists():
        if out.exists() and any(not _is_temporary(path) for path in out.iterdir()):
            raise SynthmedError(
                "the folder is not empty and holds no run to continue",
                where=out,
                mend="Name a new or empty folder.",
            )
        out.mkdir(parents=True, exist_ok=True)
        contents = {"format": _FORMAT, "hash": plan.hash, "settings": dict(plan.settings)}
        write_atomic(record, (json.dumps(contents, indent=1, sort_keys=True) + "\n").encode())
        return
    known = _read_plan(record)
    if known["hash"] != plan.hash:
        raise SynthmedError(
            f"the folder was made with other settings: {_difference(known['settings'], plan)}",
            where=out,
            mend="Give the same command again, or name another folder.",
        )


def _read_plan(record: Path) -> dict[str, Any]:
    try:
        contents = json.loads(record.read_text(encoding="utf-8"))
    except ValueError:
        contents = None
    if not isinstance(contents, dict) or contents.get("format") != _FORMAT:
        raise SynthmedError("not a plan of this version", where=record, mend="Name a new folder.")
    return contents


def _difference(known: Mapping[str, Any], plan: Plan) -> str:
    """Name the first setting that differs, the simple ones before the digest of the prompts."""
    names = sorted({*known, *plan.settings}, key=lambda name: (name == "prompts", name))
    for name in names:
        there, here = known.get(name), plan.settings.get(name)
        if there != here:
            return "the prompts differ" if name == "prompts" else f"{name} {there}, now {here}"
    return "the plan was changed"


class Journal:
    """The finished images of a run, one JSON line each; appended a batch at a time.

    Args:
        path: The journal's file; made when first appended to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """Give the entries; a torn last line is cut off."""
        if not self.path.exists():
            return []
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self.path, len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add the entries of one batch; after an error the journal is as it was.

        Raises:
            OSError: The disk is full or the folder cannot be written to.
        """
        append_lines(self.path, entries)


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a file, "" if it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".tmp")


def remove_temporary(folder: Path) -> None:
    """Remove what a killed writer left half-written in a folder."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


@contextmanager
def clear_errors(out: Path) -> Iterator[None]:
    """Turn a full or unwritable disk into one clear error.

    Raises:
        SynthmedError: In place of an OSError.
    """
    try:
        yield
    except (OSError, SynthmedError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        if cause.errno in _FULL:
            raise SynthmedError(
                "the disk is full",
                where=out,
                mend="Free some space and give the same command again: finished images are kept.",
            ) from cause
        place = cause.filename or out
        raise SynthmedError(f"cannot write: {cause.strerror or cause}", where=place) from cause
