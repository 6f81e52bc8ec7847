"""The text chunks of a PNG, wherever they stand, without decoding its pixels.

Chunks after the image data are common (ImageMagick writes its texts there) and easily missed.
PNG specification, third edition, sections 5.3 and 11.3.3 (tEXt, zTXt, iTXt) and 11.3.2.10 (eXIf).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 200_000  # bytes of one text that are read
_CHUNKS = 10_000  # chunks that are looked at


def png_texts(file: Path) -> Iterator[tuple[str, str]]:
    """Give keyword and text of every text chunk; the first 200,000 bytes of each.

    Args:
        file: A file; one that is no PNG, or is cut off, gives what was found until there.
    """
    for kind, data in _chunks(file, (b"tEXt", b"zTXt", b"iTXt")):
        keyword, _, rest = data.partition(b"\0")
        if kind == b"zTXt":
            rest = _inflated(rest[1:])
        elif kind == b"iTXt":
            packed = rest[:1] == b"\1"
            rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]  # language, keyword in it
            rest = _inflated(rest) if packed else rest
        encoding = "utf-8" if kind == b"iTXt" else "latin-1"
        yield keyword.decode("latin-1")[:79], rest.decode(encoding, "replace")


def png_exif(file: Path) -> bytes:
    """Give the contents of a PNG's eXIf chunk, b"" where there is none."""
    return next((data for _, data in _chunks(file, (b"eXIf",))), b"")


def _chunks(file: Path, kinds: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes]]:
    try:
        with open(file, "rb") as stream:
            if stream.read(8) != _SIGNATURE:
                return
            for _ in range(_CHUNKS):
                head = stream.read(8)
                if len(head) < 8:
                    return
                length, kind = int.from_bytes(head[:4], "big"), head[4:]
                if kind in kinds:
                    data = stream.read(min(length, _MOST))
                    yield kind, data
                    length -= len(data)
                stream.seek(length + 4, os.SEEK_CUR)  # with the CRC
    except OSError:
        return


def _inflated(data: bytes) -> bytes:
    """Decompress the beginning of a text: what is compressed may be a bomb."""
    try:
        return zlib.decompressobj().decompress(data, _MOST)
    except zlib.error:
        return b""
