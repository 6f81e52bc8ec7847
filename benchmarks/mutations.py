"""Damage files in the ways that careless tools and hostile people do; every draw is seeded."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

Change = Callable[[bytes, np.random.Generator], bytes]
_SYNTAXES = (
    b"1.2.840.10008.1.2",
    b"1.2.840.10008.1.2.1",
    b"1.2.840.10008.1.2.1.99",
    b"1.2.840.10008.1.2.2",
    b"1.2.840.10008.1.2.4.50",
    b"1.2.840.10008.1.2.4.70",
    b"1.2.840.10008.1.2.4.80",
    b"1.2.840.10008.1.2.4.90",
    b"1.2.840.10008.1.2.4.201",
    b"1.2.840.10008.1.2.5",
    b"1.2.3.4",
)
_STREAMS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
# DICOM elements whose lies matter: rows, columns, frames, samples, bits, sign, planes, pixels
_TAGS = [(0x28, e) for e in (0x02, 0x04, 0x06, 0x08, 0x10, 0x11, 0x100, 0x101, 0x102, 0x103)]
_TAGS += [(0x7FE0, 0x10), (0x28, 0x1052), (0x28, 0x1053), (0x28, 0x1050), (0x28, 0x3000)]


def truncated(data: bytes, draw: np.random.Generator) -> bytes:
    """Cut the end off."""
    return data[: int(len(data) * draw.random())]


def flipped(data: bytes, draw: np.random.Generator) -> bytes:
    """Flip 1 to 16 bits, half of them among the first 1,024 bytes."""
    out = bytearray(data)
    for _ in range(int(draw.integers(1, 17))):
        end = min(len(out), 1024) if draw.random() < 0.5 else len(out)
        out[int(draw.integers(end))] ^= 1 << int(draw.integers(8))
    return bytes(out)


def lying(data: bytes, draw: np.random.Generator) -> bytes:
    """Write an extreme number where the format states sizes, counts or lengths."""
    number = int(draw.choice([0, 1, 7, 255, 32767, 65535, 2**31 - 1, 2**32 - 1]))
    places = [at for at in _places(data) if at + 4 <= len(data)]
    at = int(draw.choice(places)) if places else int(draw.integers(max(1, len(data) - 4)))
    width = int(draw.choice([2, 4]))
    order = "big" if data[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0", b"MM\0*") else "little"
    value = (number % 256**width).to_bytes(width, order)
    return data[:at] + value + data[at + width :]


def _places(data: bytes) -> list[int]:
    """Where sizes stand, by format."""
    if data[:4] == b"\x89PNG":
        return [8, 16, 18, 20, 22, 24, 33]
    if data[:2] == b"\xff\xd8":
        start = max(data.find(b"\xff\xc0"), 2)
        return [start + 2, start + 5, start + 7, 4]
    if data[:2] in (b"II", b"MM"):
        return [4, *range(8, min(200, len(data)), 12), *range(12, min(200, len(data)), 12)]
    if data[:2] == b"BM":
        return [2, 10, 14, 18, 22, 28, 34]
    if data[:4] in (b"RIFF", b"GIF8"):
        return [4, 6, 8, 16, 20, 24, 26, 28]
    if data[:4] == struct.pack("<i", 348):
        return [40, 42, 44, 46, 48, 70, 72, 76, 108, 112, 116, 252, 280, 300, 320]
    found = [data.find(struct.pack("<HH", *tag)) for tag in _TAGS]
    return [at + step for at in found if at >= 0 for step in (4, 6, 8, 10)]


def other_syntax(data: bytes, draw: np.random.Generator) -> bytes:
    """Name another transfer syntax (DICOM), or put another format's first bytes on the file."""
    syntax = bytes(draw.choice(np.array(_SYNTAXES, dtype=object)))
    start = data.find(b"\2\0\x10\0UI")
    if start < 0:
        magic = [
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"II*\0",
            b"BM",
            b"GIF89a",
            b"P5\n9 9\n255\n",
        ]
        head = magic[int(draw.integers(len(magic)))]
        return head + data[len(head) :]
    old = struct.unpack("<H", data[start + 6 : start + 8])[0]
    value = syntax + b"\0" * (len(syntax) % 2)
    rest = data[start + 8 + old :]
    return data[: start + 6] + struct.pack("<H", len(value)) + value + rest


def spliced(data: bytes, draw: np.random.Generator) -> bytes:
    """Repeat, drop or zero a piece."""
    a, b = sorted(int(n) for n in draw.integers(0, len(data) + 1, 2))
    kind = int(draw.integers(3))
    middle = (data[a:b] * 2, b"", b"\0" * (b - a))[kind]
    return data[:a] + middle + data[b:]


def stream_header(data: bytes, draw: np.random.Generator) -> bytes:
    """Overwrite bytes of a compressed frame, or of any other file, most of them at its start."""
    out = bytearray(data)
    starts = [at for magic in _STREAMS if (at := data.find(magic)) > 0]
    start = min(starts, default=0)
    for _ in range(int(draw.integers(1, 9))):
        end = min(len(out) - start, 60 if draw.random() < 0.6 else len(out))
        out[start + int(draw.integers(end))] = int(draw.integers(256))
    return bytes(out)


def hostile_name(number: int) -> bytes:
    """Give a file name that careless programs trip over."""
    names = (
        *(b"-rf.png", b"a\nb.png", b"\x1b[31mred.png", b"\xff\xfe.png", b"%s%n.dcm", b"$(id).png"),
        *(b"..png", b" .dcm", b"con.png", "имя 影.png".encode(), b"'; drop.png", b"x" * 240),
    )
    return names[number % len(names)] + (b"" if number < len(names) else b".%d" % number)


def bombs(folder: Path) -> dict[str, Path]:
    """Make small files that ask for a lot of memory, and things that are no files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"bomb {name}": data for name, data in _bomb_bytes().items()}
    paths = {}
    for number, (name, data) in enumerate(made.items()):
        paths[name] = folder / f"bomb{number}"
        paths[name].write_bytes(data)
    loop, other = folder / "loop.png", folder / "other.png"
    os.symlink(other, loop)
    os.symlink(loop, other)
    os.symlink("/dev/zero", folder / "zero.png")
    os.symlink(folder / "nowhere", folder / "dangling.dcm")
    os.mkfifo(folder / "pipe.dcm")
    names = ("loop.png", "zero.png", "dangling.dcm", "pipe.dcm")
    return paths | {f"special {name}": folder / name for name in names} | {"special folder": folder}


def _bomb_bytes() -> dict[str, bytes]:
    zeros = zlib.compress(b"\0" * 2**27, 9)  # 128 MiB in 127 KiB
    gzip = zlib.compressobj(9, wbits=31)
    nifti = bytearray(352)
    struct.pack_into("<i", nifti, 0, 348)
    struct.pack_into("<8h", nifti, 40, 3, 8000, 8000, 100, 1, 1, 1, 1)
    struct.pack_into("<hh", nifti, 70, 16, 32)
    struct.pack_into("<f", nifti, 108, 352.0)
    nifti[344:348] = b"n+1\0"
    zipped = gzip.compress(bytes(nifti)) + gzip.compress(b"\0" * 2**27) + gzip.flush()
    meta = b"\2\0\x10\0UI\x16\0" + b"1.2.840.10008.1.2.1.99"
    raw = zlib.compressobj(9, wbits=-15)
    deflated = raw.compress(b"\x08\0\x05\0CS\0\0" * 2**24) + raw.flush()
    return {
        "PNG, 60000 x 60000": _png(60000, 60000, zeros),
        "PNG, 7900 x 7900 in few bytes": _png(7900, 7900, zlib.compress(b"\0" * 100)),
        "PNG, 8000 x 8000 zeros, allowed": _png(8000, 8000, zlib.compress(b"\0" * 8000 * 8001)),
        "PNG, endless text": _png(9, 9, zlib.compress(b"\0" * 90), b"zTXtA\0\0" + zeros),
        "NIfTI, 25 GB of zeros": zipped,
        "DICOM, deflated": b"\0" * 128 + b"DICM" + meta + deflated,
        "GIF, 65535 x 65535": b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;",
        "BMP, 60000 x 60000": b"BM"
        + struct.pack("<IIIIii", 99, 0, 54, 40, 60000, 60000)
        + b"\1\0\x18\0"
        + b"\0" * 24,
        "PGM, 99999 x 99999": b"P5 99999 99999 65535\n",
        "PGM text": b"P2 8000 8000 255\n" + b"1 " * 1000,
    }


def _png(width: int, height: int, pixels: bytes, more: bytes = b"") -> bytes:
    def chunk(data: bytes) -> bytes:
        return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))

    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [header, *([more] if more else []), b"IDAT" + pixels, b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(data) for data in chunks)


CHANGES: dict[str, Change] = {
    "truncated": truncated,
    "bits flipped": flipped,
    "lying size": lying,
    "wrong syntax": other_syntax,
    "spliced": spliced,
    "stream header": stream_header,
}
