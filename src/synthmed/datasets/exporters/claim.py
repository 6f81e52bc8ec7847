"""The folder of an export: claimed by its plan, so that only the same call continues it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic

RECORD, PARTIAL = "export.json", "export.partial.json"


def check_apart(source: Path, target: Path) -> None:
    """Refuse an export into the dataset, or the other way round.

    Raises:
        SynthmedError: One folder lies in the other.
    """
    here, there = source.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise SynthmedError(
            "the export and the dataset lie in one another",
            where=target,
            mend="Name a folder beside the dataset.",
        )


def claim(target: Path, plan: str, format: str, settings: dict[str, Any]) -> None:
    """Make a folder this export's own, or find that the same call began it.

    What a killed writer left half-written is removed; whole files stay.

    Args:
        target: The folder of the export; made if missing.
        plan: Hash of all that decides the export's bytes.
        format: Name of the format.
        settings: Options of the format.

    Raises:
        SynthmedError: The folder holds something else, a finished export, or one of another plan.
    """
    if target.exists() and not target.is_dir():
        raise SynthmedError("the export's folder is a file", where=target, mend="Name a folder.")
    if (target / RECORD).exists():
        raise SynthmedError(
            "a finished export is there already", where=target, mend="Name another folder."
        )
    begun = target / PARTIAL
    if begun.exists():
        try:
            same = json.loads(begun.read_text(encoding="utf-8"))["plan"] == plan
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise SynthmedError(
                "an export of other settings or of another dataset was begun there",
                where=target,
                mend="Delete the folder, or name another one.",
            )
    elif target.exists() and any(not _is_temporary(path) for path in target.iterdir()):
        raise SynthmedError("the folder is not empty", where=target, mend="Name a new folder.")
    for leftover in target.rglob(".*.tmp"):
        leftover.unlink(missing_ok=True)
    contents = {"plan": plan, "format": format, "options": settings}
    write_atomic(begun, (json.dumps(contents, indent=1) + "\n").encode())


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".tmp")
