"""List the files of a folder: sorted, one directory in memory at a time, no link followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from synthmed.errors import SynthmedError

MAX_DEPTH = 64


def walk_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Give the regular files under a folder, or the one file that `root` is.

    Links to folders are not followed, so a loop of links ends nothing; a link to a file is taken
    only if the file lies under the folder. Hidden files and folders are left out, and what is no
    regular file (pipes, devices).

    Args:
        root: A folder or a file.

    Yields:
        The name relative to the folder, with "/", and the path; in a fixed order.

    Raises:
        SynthmedError: No such folder or file, or one that cannot be listed.
    """
    if root.is_file():
        yield root.name, root
        return
    if not root.is_dir():
        raise SynthmedError("no such file or folder", where=root, mend="Check the path.")
    yield from _walk(root.resolve(), root, "", 0)


def _walk(top: Path, folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, Path]]:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        if depth == 0:
            raise SynthmedError(f"cannot list it: {error.strerror}", where=folder) from error
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        name = prefix + os.fsencode(entry.name).decode("utf-8", "backslashreplace")
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if depth < MAX_DEPTH:
                yield from _walk(top, path, name + "/", depth + 1)
        elif entry.is_file(follow_symlinks=False) or _inner_link(top, path):
            yield name, path


def _inner_link(top: Path, path: Path) -> bool:
    try:
        return path.is_symlink() and path.is_file() and path.resolve().is_relative_to(top)
    except (OSError, RuntimeError):
        return False


def first_bytes(path: Path, count: int) -> bytes:
    """Give a file's first bytes, b"" if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""
