"""Open files that may be hostile: regular files only, bounded reads, names safe to print."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError

Path_ = str | os.PathLike[str]

MAX_PIXELS = 64_000_000  # a frame above this is taken for a decompression bomb
MAX_BYTES = 512 * 2**20  # decoded bytes of one frame
MAX_ELEMENT = 32 * 2**20  # bytes of one read outside pixel data
MAX_READS = 400_000  # reads of one file; a header takes two or three an element
_FEW = 1_000_000  # pixels that any compressed frame may hold
_MOST_PER_BYTE = 20_000  # pixels per compressed byte; blank JPEG 2000 and WebP come near


class BoundedFile(io.BufferedReader):
    """A file whose reads never ask for more than there is, nor for more than `limit` bytes.

    Python's own reader sets aside as many bytes as a lying length asks for before it looks.
    """

    def __init__(self, raw: Any, size: int, limit: int = MAX_ELEMENT) -> None:
        super().__init__(raw)
        self.size, self.limit, self.reads = size, limit, MAX_READS

    def read(self, size: int | None = -1) -> bytes:
        """Read up to `size` bytes; the rest of the file if negative or None.

        Raises:
            SynthmedError: The read is larger than the limit, or one too many: millions of tiny
                elements would take hours.
        """
        self.reads -= 1
        if self.reads < 0:
            raise RefusedError("this file holds too many elements")
        rest = max(0, self.size - self.tell())
        wanted = rest if size is None or size < 0 else min(size, rest)
        if wanted > self.limit:
            raise RefusedError(f"one element of this file holds {wanted:,} bytes")
        return super().read(wanted)


def shown(path: Path_) -> str:
    """Give a path as text that can be printed: control and undecodable characters are escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def bounded_file(path: Path_, limit: int = MAX_ELEMENT) -> Iterator[BoundedFile]:
    """Open a regular file for reading; links are followed, pipes and devices are not.

    Raises:
        SynthmedError: The file is missing, no regular file, not readable, or behind a loop of
            symbolic links.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise SynthmedError("no such image", where=shown(path), mend="Check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SynthmedError(f"cannot open this file: {reason}", where=shown(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SynthmedError(
            "cannot read this image: it is no regular file", where=shown(path), mend="Name a file."
        )
    with BoundedFile(io.FileIO(descriptor), os.fstat(descriptor).st_size, limit) as file:
        yield file


def refuse_size(
    path: Path_, height: int, width: int, sample_bytes: int, compressed: int | None = None
) -> None:
    """Refuse a frame that is empty, too large, or too large for the bytes that are said to hold it.

    Args:
        path: The file.
        height: Rows.
        width: Columns.
        sample_bytes: Bytes of a decoded pixel, all channels together.
        compressed: Bytes of the compressed frame, where known.

    Raises:
        SynthmedError: No pixels, more than `MAX_PIXELS`, or more than `MAX_BYTES`.
    """
    pixels = height * width
    if height < 1 or width < 1:
        raise SynthmedError(f"cannot read this image: {width} x {height} pixels", where=shown(path))
    if pixels > MAX_PIXELS or pixels * sample_bytes > MAX_BYTES:
        raise SynthmedError(
            f"{width} x {height} pixels are more than the {MAX_PIXELS:,} allowed",
            where=shown(path),
            mend="Make the image smaller.",
        )
    if compressed is not None and pixels > max(_FEW, compressed * _MOST_PER_BYTE):
        raise SynthmedError(
            f"{compressed:,} bytes cannot hold {width} x {height} pixels", where=shown(path)
        )


class RefusedError(SynthmedError):
    """A refusal from within a reader, which does not know the file's name; `unreadable` adds it."""

    def __init__(self, what: str, *, mend: str | None = None) -> None:
        super().__init__(what, mend=mend)
        self.what, self.mend = what, mend


def unreadable(path: Path_, error: BaseException, what: str = "image") -> SynthmedError:
    """Give the error, one printable line, for whatever came of reading a file."""
    where = shown(path)
    if isinstance(error, RefusedError):
        return SynthmedError(_printable(error.what), where=where, mend=error.mend)
    if isinstance(error, SynthmedError):
        return error
    if not os.path.lexists(Path(path)):
        return SynthmedError(f"no such {what}", where=where, mend="Check the path.")
    reason = _printable(str(error)) or type(error).__name__
    return SynthmedError(
        f"cannot read this {what}: {reason}", where=where, mend="Replace it by an intact one."
    )


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split())[:300])
