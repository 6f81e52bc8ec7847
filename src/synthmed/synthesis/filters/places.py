"""Where a filtered dataset is written: beside its source, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthmed.errors import SynthmedError

_MARK = ".synthmed-filter"


def check_places(source: Path, target: Path) -> None:
    """Refuse a folder that is in use, and one that lies in the source or holds it.

    Args:
        source: The dataset.
        target: The new dataset's folder.

    Raises:
        SynthmedError: It is in use, or lies there.
    """
    here, there = source.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise SynthmedError(
            "the source and the new dataset lie in one another",
            where=target,
            mend="Name a folder beside the source.",
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SynthmedError(
            "the new dataset's folder is in use", where=target, mend="Name a new or empty folder."
        )


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Make a folder beside the target; rename it when the work is done, else remove it.

    What a killed run has left there is removed first.

    Raises:
        SynthmedError: The disk is full, or the place cannot be written.
    """
    folder = target.with_name(f".{target.name}.filter.tmp")
    try:
        if (folder / _MARK).is_file():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / _MARK).touch()
        try:
            yield folder
            (folder / _MARK).unlink()
            if target.is_dir():
                target.rmdir()
            os.rename(folder, target)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise SynthmedError(
            f"cannot write: {error.strerror or error}",
            where=error.filename or target,
            mend="Free some space, or choose a folder that can be written.",
        ) from error
