"""Encode a 16-bit PNG, grey or colour; Pillow writes grey only."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_UP = 2  # filter type: the difference to the row above


def png16(levels: npt.NDArray[np.uint16], chunks: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """Give the bytes of a PNG of 16 bits per channel.

    Args:
        levels: uint16 (1, H, W) or (3, H, W).
        chunks: Further chunks (type, data), written before the pixels.

    Source: Portable Network Graphics, ISO/IEC 15948 (W3C PNG, sections 5, 9 and 10).
    """
    channels, height, width = levels.shape
    rows = np.ascontiguousarray(levels.transpose(1, 2, 0), dtype=">u2")
    samples = rows.view(np.uint8).reshape(height, -1)
    lines = np.empty((height, samples.shape[1] + 1), np.uint8)
    lines[:, 0], lines[0, 1:] = _UP, samples[0]
    np.subtract(samples[1:], samples[:-1], out=lines[1:, 1:])  # modulo 256, as the filter is
    colour_type = 2 if channels == 3 else 0
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    body = [
        (b"IHDR", header),
        *chunks,
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in body)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
