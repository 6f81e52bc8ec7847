"""The images that a run learns from, framed once and kept as one memory-mapped array."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from synthmed.datasets.rows import Row
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image
from synthmed.training.disk import save_array
from synthmed.training.settings import DataSettings
from synthmed.training.sources import read_sources


@dataclass(frozen=True)
class TrainingImages:
    """Framed images and their rows.

    Attributes:
        pixels_N3SS: Grey levels 0 to 255; grey images have three equal channels.
        rows: One row per image.
        grey: Whether each stored image has one channel.
        credits: Licence and credit of each source.
        rejected: The rows left out: `source`, `file_name`, `reason`.
        key: Hash of the files and of the size, for what is derived from the images.
        shared: Groups that stand in several splits because the recipe allows it.
    """

    pixels_N3SS: npt.NDArray[np.uint8]  # noqa: N815
    rows: list[Row]
    grey: npt.NDArray[np.bool_]
    credits: list[dict[str, str]]
    rejected: list[dict[str, str]]
    key: str
    shared: frozenset[str] = frozenset()

    def indices(self, split: str) -> npt.NDArray[np.int64]:
        """Indices of the rows of a split."""
        return np.asarray([i for i, row in enumerate(self.rows) if row.split == split], np.int64)

    def tensor(self, indices: Any) -> Tensor:
        """Images `(B, 3, S, S)` as float32 in [-1, 1]."""
        pixels = np.ascontiguousarray(self.pixels_N3SS[np.asarray(indices)])
        return torch.from_numpy(pixels).float().div_(127.5).sub_(1.0)

    def types(self) -> dict[str, bool]:
        """Image types of the training rows, most frequent first, and whether each is grey."""
        train = self.indices("train")
        counts = Counter(self.rows[i].image_type for i in train)
        return {
            name: all(self.grey[i] for i in train if self.rows[i].image_type == name)
            for name, _ in counts.most_common()
        }


def load_images(
    settings: DataSettings,
    base: Path,
    cache: Path,
    progress: Callable[[int, int, dict[str, float]], None],
) -> TrainingImages:
    """Read all sources of a recipe and frame their images, once.

    Args:
        settings: Sources and image size.
        base: Folder that relative paths are relative to, unless they exist from here.
        cache: Folder for the array.
        progress: Called with (done, all, {}).

    Raises:
        SynthmedError: No sources, no training rows, no validation rows, or a shared group that
            no row has.
        SafetyError: A group (patient) in more than one split that is not a shared one.
    """
    sources = read_sources(settings.sources, base, settings.shared_groups)
    rows, size = sources.rows, settings.image_size
    cache.mkdir(parents=True, exist_ok=True)
    key = _cache_key(rows, size)
    pixels_file, grey_file = cache / f"frames-{key}.npy", cache / f"grey-{key}.npy"
    if not (pixels_file.is_file() and grey_file.is_file()):
        pixels = np.empty((len(rows), 3, size, size), np.uint8)
        grey = np.empty(len(rows), np.bool_)
        for i, row in enumerate(rows):
            image, spec = open_image(row.file)
            framed = Frame.for_image(image, size).apply(image)
            pixels[i] = np.rint((np.clip(framed, -1, 1) + 1) * 127.5).astype(np.uint8)
            grey[i] = spec.channels == 1
            progress(i + 1, len(rows), {})
        save_array(grey_file, grey)
        save_array(pixels_file, pixels)
    array = np.load(pixels_file, mmap_mode="r")
    grey = np.load(grey_file)
    return TrainingImages(
        array, rows, grey, sources.credits, sources.rejected, key, shared=sources.shared
    )


def _cache_key(rows: list[Row], size: int) -> str:
    listing = [
        (str(r.file.resolve()), r.file.stat().st_size, r.file.stat().st_mtime_ns) for r in rows
    ]
    return hashlib.sha256(json.dumps([size, listing]).encode()).hexdigest()[:16]
