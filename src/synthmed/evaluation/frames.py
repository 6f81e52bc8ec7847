"""Frame the images of a set to one size, once, and keep them as one memory-mapped array."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image
from synthmed.training.disk import fsync, save_array, write_json

FLAT = 1e-3  # standard deviation below which an image shows nothing
_CHUNK = 256


@dataclass(frozen=True)
class Frames:
    """Framed images.

    Attributes:
        pixels: (N, C, S, S) float16 in [-1, 1], memory-mapped; rows that cannot be used are 0.
        digests: (N,) SHA-256 of the files.
        reasons: Row number to the reason why it cannot be used.
    """

    pixels: npt.NDArray[np.float16]
    digests: npt.NDArray[np.str_]
    reasons: dict[int, str]


def frame_images(
    rows: Sequence[Row],
    size: int,
    channels: int,
    cache: Path,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Frames:
    """Frame images: resized by area to fit, padded to a square by -1, no window.

    Half precision keeps 11 bits of grey levels. Colours are averaged where one channel is asked
    for, a single channel is repeated where three are.

    Args:
        rows: Their files are read.
        size: Side of the square, in pixels.
        channels: 1 or 3.
        cache: Folder for the array; files of the same content are not framed again.
        progress: Called with (done, all).

    Returns:
        The frames. Images that cannot be read, and those of one grey level, have a reason.
    """
    cache.mkdir(parents=True, exist_ok=True)
    key = _key(rows, size, channels)
    try:
        return _kept(cache, key)
    except (OSError, ValueError):  # not there yet, or damaged
        _make(rows, size, channels, cache, key, progress)
        return _kept(cache, key)


def _kept(cache: Path, key: str) -> Frames:
    """Open what was framed before; OSError or ValueError where that is not there or damaged."""
    facts = json.loads((cache / f"frames-{key}.json").read_text(encoding="utf-8"))
    return Frames(
        np.load(cache / f"frames-{key}.npy", mmap_mode="r"),
        np.load(cache / f"digests-{key}.npy"),
        {int(number): reason for number, reason in facts.items()},
    )


def _make(
    rows: Sequence[Row],
    size: int,
    channels: int,
    cache: Path,
    key: str,
    progress: Callable[[int, int], None],
) -> None:
    """Frame the images and write the array, the files' digests and, last, the reasons."""
    temporary = cache / f".frames-{key}.tmp"
    shape = (len(rows), channels, size, size)
    pixels = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
    with open(temporary, "r+b") as file:  # a full disk is an error here, not a fault in the map
        os.posix_fallocate(file.fileno(), 0, os.path.getsize(temporary))
    digests, reasons = list[str](), dict[str, str]()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            framed = pool.map(_one, part, [size] * len(part))
            for number, (digest, found) in enumerate(framed, start):
                digests.append(digest)
                if isinstance(found, str):
                    reasons[str(number)] = found
                else:
                    pixels[number] = _with_channels(found, channels)
            progress(len(digests), len(rows))
    pixels.flush()
    del pixels
    fsync(temporary)
    temporary.rename(cache / f"frames-{key}.npy")
    save_array(cache / f"digests-{key}.npy", np.asarray(digests))
    write_json(cache / f"frames-{key}.json", reasons)


def _one(row: Row, size: int) -> tuple[str, npt.NDArray[Any] | str]:
    """Digest of a file, and its framed image or why there is none."""
    try:
        content = row.file.read_bytes()
        image, _ = open_image(row.file)
    except (OSError, SynthmedError) as error:
        return "", str(error).replace(str(row.file), row.file_name)
    framed = np.clip(Frame.for_image(image, size).apply(np.clip(image, -1, 1)), -1, 1)
    digest = hashlib.sha256(content).hexdigest()
    if float(image.std()) < FLAT:
        return digest, "blank: the image has one grey level"
    return digest, framed


def _with_channels(image: npt.NDArray[Any], channels: int) -> npt.NDArray[Any]:
    if image.shape[0] == channels:
        return image
    grey = image.mean(axis=0, keepdims=True)
    return np.asarray(np.repeat(grey, channels, axis=0))


def _key(rows: Sequence[Row], size: int, channels: int) -> str:
    """Hash of what decides the frames: files with their sizes and times, and the settings."""
    listing = [
        (str(r.file.resolve()), r.file.stat().st_size, r.file.stat().st_mtime_ns) for r in rows
    ]
    text = json.dumps([1, size, channels, listing])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
