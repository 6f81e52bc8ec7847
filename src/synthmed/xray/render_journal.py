"""The folder of a render run: claimed by its settings, with a journal of the finished poses.

A killed run leaves whole images, a journal whose last line may be torn, and perhaps a temporary
file. The journal grows by one pose at a time and is fsynced; the same command goes on behind it.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthmed.datasets.lines import append_lines
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic
from synthmed.xray.render_rows import file_hash

CLAIM = "render.json"
JOURNAL = "render.jsonl.partial"
REJECTED = "rejected.csv"
_FORMAT = "synthmed render 1"


def claim(out: Path, settings: Mapping[str, Any]) -> None:
    """Make a folder this run's own, or find that it is already.

    Args:
        out: The dataset folder; made if missing.
        settings: What decides the result; JSON values.

    Raises:
        SynthmedError: The folder holds something else, or a run of other settings.
    """
    record = out / CLAIM
    now = json.loads(json.dumps({"format": _FORMAT, "settings": settings}))
    if record.exists():
        known = _read(record)
        if known != now:
            there = known.get("settings")
            there = there if isinstance(there, dict) else {}
            names = sorted({*there, *now["settings"]})
            changed = [name for name in names if there.get(name) != now["settings"].get(name)]
            raise SynthmedError(
                f"the folder was made with other settings: {', '.join(changed) or 'its format'}",
                where=out,
                mend="Give the same command again, or name another folder.",
            )
        return
    try:
        if out.exists() and (not out.is_dir() or any(not _temporary(p) for p in out.iterdir())):
            raise SynthmedError(
                "the folder is not empty and holds no renders",
                where=out,
                mend="Name a new or empty folder.",
            )
    except OSError as error:
        raise SynthmedError(f"cannot read the folder: {error.strerror}", where=out) from error
    write_atomic(record, (json.dumps(now, indent=1, sort_keys=True) + "\n").encode())


def give_up(out: Path) -> bool:
    """Remove the claim of a run that has made nothing at all, and the folder; tell whether."""
    if [path.name for path in out.iterdir()] != [CLAIM]:
        return False
    (out / CLAIM).unlink()
    out.rmdir()
    return True


def remove_temporary(out: Path) -> None:
    """Remove what a killed writer left half-written in a claimed folder."""
    for folder in ("", "train", "val", "test", "train/masks", "val/masks", "test/masks"):
        for path in (out / folder).glob(".*.tmp"):
            path.unlink(missing_ok=True)


class Journal:
    """The finished poses of a run, one JSON line each: the entries of its images.

    Args:
        out: The dataset folder.
    """

    def __init__(self, out: Path) -> None:
        self.out, self.path = out, out / JOURNAL
        self.poses: dict[tuple[int, str], list[dict[str, Any]]] = {}

    def recover(self) -> None:
        """Read the poses whose files are whole; cut off a torn last line."""
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self.path, len(whole))
        for line in whole.splitlines():
            pose = json.loads(line)
            if all(self._is_whole(entry) for entry in pose["images"]):
                self.poses[pose["ct"], pose["job"]] = pose["images"]

    def append(self, ct: int, job: str, images: Sequence[dict[str, Any]]) -> None:
        """Add one pose, and see it on the disk; an error leaves it out.

        Raises:
            SynthmedError: The disk is full or the folder cannot be written to.
        """
        try:
            append_lines(self.path, [{"ct": ct, "job": job, "images": list(images)}])
        except OSError as error:
            raise SynthmedError(
                f"cannot write: {error.strerror}",
                where=self.out,
                mend="Free some space and give the same command again: nothing is lost.",
            ) from error
        self.poses[ct, job] = list(images)

    def of(self, ct: int) -> dict[str, list[dict[str, Any]]]:
        """Give the finished poses of one CT, by the name of their job."""
        return {job: images for (number, job), images in self.poses.items() if number == ct}

    def remove(self) -> None:
        """Remove the journal of a finished run."""
        self.path.unlink(missing_ok=True)

    def _is_whole(self, entry: Mapping[str, Any]) -> bool:
        folder = self.out / entry["split"]
        return all(file_hash(folder / name) == there for name, there in entry["sha256"].items())


def write_rejected(out: Path, rejected: Sequence[tuple[str, str]]) -> None:
    """Write rejected.csv: what could not be rendered, and why."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", "reason"])
    table.writerows(rejected)
    write_atomic(out / REJECTED, text.getvalue().encode("utf-8", "backslashreplace"))


def _temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".tmp")


def _read(record: Path) -> dict[str, Any]:
    try:
        contents = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return contents if isinstance(contents, dict) else {}
