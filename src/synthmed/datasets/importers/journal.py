"""The folder of an import: claimed by its settings, with a journal of the finished items.

A killed run leaves whole images, a journal whose last line may be torn, and perhaps a temporary
file. The journal grows by one batch at a time and is fsynced; the same command continues behind
its last line. It holds no identifiers: only what the tables will hold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthmed.datasets.lines import append_lines
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic

CLAIM = "import.json.partial"
JOURNAL = "import.jsonl.partial"
_FORMAT = "synthmed import 1"


def claim(out: Path, settings: Mapping[str, Any]) -> None:
    """Make a folder this import's own, or find that it is already.

    Args:
        out: The dataset folder; made if missing.
        settings: What decides the result; JSON values.

    Raises:
        SynthmedError: The folder is finished, in use by something else, or by other settings.
    """
    if (out / "dataset.json").exists():
        for leftover in (CLAIM, JOURNAL):  # of a run that was killed at its very end
            (out / leftover).unlink(missing_ok=True)
        raise SynthmedError(
            "a finished dataset is there already", where=out, mend="Name another folder."
        )
    record = out / CLAIM
    now = {"format": _FORMAT, "settings": json.loads(json.dumps(settings))}
    if record.exists():
        known = _read_claim(record)
        if known != now:
            there = known.get("settings")
            there = there if isinstance(there, dict) else {}
            names = sorted({*there, *now["settings"]})
            changed = [n for n in names if there.get(n) != now["settings"].get(n)]
            raise SynthmedError(
                f"the folder was begun with other settings: {', '.join(changed)}",
                where=out,
                mend="Give the same command again, or name another folder.",
            )
        return
    try:
        if out.exists() and (not out.is_dir() or any(not _temporary(p) for p in out.iterdir())):
            raise SynthmedError(
                "the folder is not empty and holds no import",
                where=out,
                mend="Name a new or empty folder.",
            )
    except OSError as error:
        raise SynthmedError(f"cannot read the folder: {error.strerror}", where=out) from error
    write_atomic(record, (json.dumps(now, indent=1, sort_keys=True) + "\n").encode())


def remove_temporary(out: Path) -> None:
    """Remove what a killed writer left half-written in a claimed folder."""
    for split in ("", "train", "val", "test"):
        for folder in ("", "images", "masks"):
            for path in (out / split / folder).glob(".*.tmp"):
                path.unlink(missing_ok=True)


def _temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".tmp")


def _read_claim(record: Path) -> dict[str, Any]:
    try:
        contents = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return contents if isinstance(contents, dict) else {}


class Journal:
    """The finished items of an import, one JSON line each.

    Args:
        out: The dataset folder.
    """

    def __init__(self, out: Path) -> None:
        self.out, self.path = out, out / JOURNAL

    def entries(self) -> Iterator[dict[str, Any]]:
        """Give the entries, one at a time."""
        if self.path.exists():
            with self.path.open(encoding="ascii") as file:
                for line in file:
                    yield json.loads(line)

    def recover(self) -> int:
        """Cut off a torn line, and all from the first entry whose images are not there.

        Returns:
            The number of entries left.
        """
        if not self.path.exists():
            return 0
        count = end = 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n") or not self._whole(json.loads(line)):
                    break
                count, end = count + 1, end + len(line)
        os.truncate(self.path, end)
        return count

    def append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add the entries of one batch, and see them on the disk; an error leaves them out.

        Raises:
            SynthmedError: The disk is full or the folder cannot be written to.
        """
        try:
            append_lines(self.path, entries)
        except OSError as error:
            raise SynthmedError(
                f"cannot write: {error.strerror}",
                where=self.out,
                mend="Free some space and give the same command again: nothing is lost.",
            ) from error

    def _whole(self, entry: Mapping[str, Any]) -> bool:
        names = (
            f"{row['split']}/{row['file_name']}" for row in entry["rows"] if "file_name" in row
        )
        return all((self.out / name).is_file() for name in names)
