"""Read the size that a compressed frame itself states, before any decoder sets memory aside."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from synthmed.imaging.files import RefusedError

_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_HUFFMAN, _SCAN, _ADOBE = 0xC4, 0xDA, 0xEE
_OTHER_DATA = {*range(0xE0, 0xF0), 0xFE} - {_ADOBE}  # application data, comments
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}


@dataclass(frozen=True)
class StreamSize:
    """Size of a compressed frame.

    Attributes:
        rows: Height in pixels.
        columns: Width in pixels.
        samples: Channels.
        bits: Bits of a sample.
        process: The JPEG frame marker (0xC0 baseline, 0xC1 extended, 0xC3 lossless, 0xF7 JPEG-LS),
            0x51 for JPEG 2000.
    """

    rows: int
    columns: int
    samples: int
    bits: int
    process: int


def stream_size(data: bytes) -> StreamSize:
    """Read the frame header of a JPEG, JPEG-LS or JPEG 2000 codestream (or JP2 file).

    Args:
        data: The compressed frame.

    Returns:
        What its SOF marker (ITU-T T.81, B.2.2; T.87, C.2.2) or SIZ marker (T.800, A.5.1) says.

    Raises:
        SynthmedError: No such marker.
    """
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    start = data.find(b"\xff\x4f\xff\x51", 0, 65536)
    if start < 0 or len(data) < start + 42:
        raise RefusedError("the compressed frame has no header")
    x1, y1, x0, y0 = struct.unpack(">IIII", data[start + 8 : start + 24])
    samples, precision = struct.unpack(">HB", data[start + 40 : start + 43].ljust(3, b"\0"))
    return StreamSize(y1 - y0, x1 - x0, samples, (precision & 0x7F) + 1, 0x51)


def _jpeg(data: bytes) -> StreamSize:
    for marker, start, _ in _segments(data):
        if marker in _FRAME_HEADERS and start + 10 <= len(data):
            bits, rows, columns, samples = struct.unpack(">BHHB", data[start + 4 : start + 10])
            return StreamSize(rows, columns, samples, bits, marker)
    raise RefusedError("the compressed frame has no header")


def plain_jpeg(data: bytes) -> bytes:
    """Give a JPEG whose header holds nothing but what decoding needs, in good order.

    GDCM ends the whole process on a stray byte between markers or on an odd JFIF segment, so that
    such frames are refused, and application data (but Adobe's, which names the colours) left out.

    Args:
        data: A JPEG frame.

    Raises:
        RefusedError: Stray bytes between markers, damaged Huffman tables, no scan.
    """
    out = [b"\xff\xd8"]
    for marker, start, end in _segments(data):
        if marker == _HUFFMAN:
            _check_huffman(data[start + 4 : end])
        if marker == _SCAN:
            return b"".join([*out, data[start:]])
        if marker not in _OTHER_DATA and (marker != _ADOBE or end - start == 16):
            out.append(data[start:end])
    raise RefusedError("the compressed frame has no scan")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Walk a JPEG's header up to its scan: marker, start and end of each segment."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _WITHOUT_LENGTH or end < at + 4 or end > len(data):
            break
        yield marker, at, end
        if marker == _SCAN:
            return
        at = end
    raise RefusedError("the header of the compressed frame is damaged")


def _check_huffman(tables: bytes) -> None:
    """Check that the tables fill their segment (T.81, B.2.4.2)."""
    at = 0
    while at < len(tables):
        counts = tables[at + 1 : at + 17]
        codes = sum(count << (16 - length) for length, count in enumerate(counts, 1))
        if len(counts) < 16 or not 0 < sum(counts) <= 256 or codes > 1 << 16:
            break
        at += 17 + sum(counts)
    if at != len(tables):
        raise RefusedError("a Huffman table of the compressed frame is damaged")
