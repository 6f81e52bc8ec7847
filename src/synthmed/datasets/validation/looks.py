"""One look at every image of a dataset: decoded once, kept as a few numbers."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.datasets.validation.fingerprints import BITS, SIDE, WIDTH, fingerprint
from synthmed.errors import SynthmedError
from synthmed.imaging.reading import open_image
from synthmed.imaging.spec import FloatArray, ImageSpec

_CHUNK = 256  # images that wait for a thread at a time
_THREADS = 4  # so that a few huge images do not fill the memory
_BLOCK = 1 << 20  # pixels that are hashed together
_SAMPLE = 1 << 18  # pixels that percentiles are taken of


@dataclass(frozen=True)
class Looks:
    """What was seen of N images; images that cannot be read have `reasons`.

    Attributes:
        digests: SHA-256 of size and values of each image's decoded pixels; b"" if unreadable.
        vectors_NW: float32, fingerprints' vectors.
        bits_NB: uint8, fingerprints' pHashes.
        thumbnails_NSS: uint8 (N, 32, 32), grey levels 0 to 255.
        ranges_N4: float32: lowest, 0.1 %, 99.9 % and highest value, in [-1, 1].
        bits: Bits per channel of each file.
        reasons: Index to the reason why an image cannot be read.
    """

    digests: list[bytes]
    vectors_NW: npt.NDArray[np.float32]  # noqa: N815
    bits_NB: npt.NDArray[np.uint8]  # noqa: N815
    thumbnails_NSS: npt.NDArray[np.uint8]  # noqa: N815
    ranges_N4: npt.NDArray[np.float32]  # noqa: N815
    bits: npt.NDArray[np.int64]
    reasons: dict[int, str]


def look_at(rows: Sequence[Row]) -> Looks:
    """Decode every image once and keep its digest, fingerprint and range.

    Memory: 2.4 kB an image.

    Args:
        rows: The rows; their files are read, nothing else.

    Returns:
        What was seen, in the order of the rows.
    """
    n = len(rows)
    looks = Looks(
        [b""] * n,
        np.zeros((n, WIDTH), np.float32),
        np.zeros((n, BITS // 8), np.uint8),
        np.zeros((n, SIDE, SIDE), np.uint8),
        np.zeros((n, 4), np.float32),
        np.zeros(n, np.int64),
        {},
    )
    with warnings.catch_warnings():  # restores what the readers' threads do to the filters
        for index, opened in enumerate(_opened(row.file for row in rows)):
            if isinstance(opened, str):
                looks.reasons[index] = opened
            else:
                _keep(looks, index, *opened)
    return looks


def pixel_digest(x: FloatArray, spec: ImageSpec) -> bytes:
    """Hash the decoded pixels of an image: its size and stored values, whatever the file format.

    Args:
        x: (1 or 3, H, W) in [-1, 1]; three equal channels count as grey.
        spec: Its spec.

    Returns:
        A SHA-256, 32 bytes.
    """
    if x.shape[0] == 3 and np.array_equal(x[0], x[1]) and np.array_equal(x[0], x[2]):
        x = x[:1]
    deep = spec.bits > 8
    digest = hashlib.sha256(f"{x.shape}{deep}".encode())
    step = max(1, _BLOCK // x.shape[2])
    for channel in x:
        for start in range(0, channel.shape[0], step):
            values = np.rint(spec.to_value(channel[start : start + step]))
            levels = values.astype(np.int64 if deep else np.uint8)
            digest.update(np.ascontiguousarray(levels).data)
    return digest.digest()


Seen = tuple[bytes, npt.NDArray[np.float32], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


def _open(file: Path) -> tuple[Seen, list[float], int] | str:
    try:
        x, spec = open_image(file)
    except SynthmedError as error:
        return str(error)
    seen = fingerprint(x)
    levels = np.clip(np.rint((seen.thumbnail + 1) * 127.5), 0, 255).astype(np.uint8)
    flat = x.reshape(-1)
    low, high = np.percentile(flat[:: max(1, flat.size // _SAMPLE)], (0.1, 99.9))
    ranges = [float(x.min()), float(low), float(high), float(x.max())]
    return (pixel_digest(x, spec), seen.vector, seen.bits, levels), ranges, spec.bits


def _opened(files: Iterable[Path]) -> Iterator[tuple[Seen, list[float], int] | str]:
    """Open files in several threads, a chunk at a time, so that results never pile up."""
    files = iter(files)
    with ThreadPoolExecutor(max_workers=min(_THREADS, os.cpu_count() or 1)) as pool:
        while chunk := list(islice(files, _CHUNK)):
            yield from pool.map(_open, chunk)


def _keep(looks: Looks, index: int, seen: Seen, ranges: list[float], bits: int) -> None:
    looks.digests[index] = seen[0]
    looks.vectors_NW[index], looks.bits_NB[index], looks.thumbnails_NSS[index] = seen[1:]
    looks.ranges_N4[index], looks.bits[index] = ranges, bits
