"""Files that a kill leaves whole or absent, and one clear error for a disk that is full."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from synthmed.errors import SynthmedError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


@contextmanager
def writing(
    where: Path,
    mend: str = "Mend that and continue with --resume; the last complete checkpoint is kept.",
) -> Iterator[None]:
    """Turn a failure to write, safetensors' own kind too, into one clear error.

    Args:
        where: What is written, for the message.
        mend: How to go on.

    Raises:
        SynthmedError: The disk is full or cannot be written.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        code = _code(error)
        if code not in (*_FULL, *_REFUSED):
            raise
        what = "the disk is full" if code in _FULL else f"cannot write: {os.strerror(code)}"
        raise SynthmedError(
            what,
            where=where,
            mend=mend,
        ) from error


def _code(error: Exception) -> int | None:
    """The system's number of an error; safetensors only has it in its text."""
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def write_json(path: Path, content: Any) -> None:
    """Write JSON through a temporary file, flushed to disk and renamed."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    fsync(temporary)
    temporary.rename(path)


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write a .npy file through a temporary file, flushed to disk and renamed."""
    temporary = path.with_name(f".{path.name}.tmp")
    array = np.ascontiguousarray(array)
    with open(temporary, "wb") as stream:  # np.save's own error for a full disk has no number
        header = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(array.reshape(-1).view(np.uint8).data)
        fsync_stream(stream)
    temporary.rename(path)


def fsync_stream(stream: IO[bytes]) -> None:
    """Flush an open file to disk."""
    stream.flush()
    os.fsync(stream.fileno())


def fsync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
