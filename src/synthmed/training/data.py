"""The images that a run learns from, framed once and kept as one memory-mapped array."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml
from torch import Tensor

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image
from synthmed.training.recipe import DataSettings


@dataclass(frozen=True)
class TrainingImages:
    """Framed images and their rows.

    Attributes:
        pixels_N3SS: Grey levels 0 to 255; grey images have three equal channels.
        rows: One row per image.
        grey: Whether each stored image has one channel.
        credits: Licence and credit of each source.
        rejected: Reasons of the rows left out, `(file, reason)`.
    """

    pixels_N3SS: npt.NDArray[np.uint8]
    rows: list[Row]
    grey: npt.NDArray[np.bool_]
    credits: list[dict[str, str]]
    rejected: list[tuple[str, str]]

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
        SynthmedError: No sources, no training rows, or no validation rows of other patients.
    """
    rows, credits, rejected = _read_sources(settings, base)
    splits = Counter(row.split for row in rows)
    for split in ("train", "val"):
        if not splits[split]:
            raise SynthmedError(
                f"no image has split {split}",
                where=settings.sources,
                mend="Training needs train and val rows, of different patients.",
            )
    _check_leakage(rows)
    size = settings.image_size
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
        _save_array(grey_file, grey)
        _save_array(pixels_file, pixels)
    array = np.load(pixels_file, mmap_mode="r")
    return TrainingImages(array, rows, np.load(grey_file), credits, rejected)


def _read_sources(
    settings: DataSettings, base: Path
) -> tuple[list[Row], list[dict[str, str]], list[tuple[str, str]]]:
    sources = settings.sources
    if isinstance(sources, str) and sources.endswith((".yaml", ".yml")):
        listing = _resolve(sources, base)
        if not listing.is_file():
            raise SynthmedError("no such list of sources", where=listing)
        base, sources = listing.parent, yaml.safe_load(listing.read_text())
    if isinstance(sources, str) and sources:
        sources = [{"path": sources}]
    if not isinstance(sources, list) or not all(isinstance(s, dict) and "path" in s for s in sources):
        raise SynthmedError("the recipe names no data", mend="Set data.sources to a dataset folder.")
    rows: list[Row] = []
    credits, rejected = [], []
    for source in sources:
        folder = read_dataset(
            _resolve(str(source["path"]), base),
            columns=source.get("columns"),
            where=source.get("where"),
        )
        rows += folder.rows
        rejected += [(bad.file_name, bad.reason) for bad in folder.rejected]
        credits.append(
            {
                "source": folder.path.resolve().name,
                "licence": str(source.get("licence", "not stated")),
                "credit": str(source.get("credit", "")).strip(),
            }
        )
    return rows, credits, rejected


def _resolve(path: str, base: Path) -> Path:
    given = Path(path)
    return given if given.is_absolute() or given.exists() else base / given


def _check_leakage(rows: list[Row]) -> None:
    groups = {split: {r.group_id for r in rows if r.split == split} for split in ("train", "val", "test")}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        both = groups[one] & groups[other]
        if both:
            raise SynthmedError(
                f"{len(both)} groups are both in {one} and {other}",
                where=sorted(both)[0],
                mend="Split by patient: every group_id belongs to one split.",
            )


def _cache_key(rows: list[Row], size: int) -> str:
    listing = [(str(r.file.resolve()), r.file.stat().st_size, r.file.stat().st_mtime_ns) for r in rows]
    return hashlib.sha256(json.dumps([size, listing]).encode()).hexdigest()[:16]


def _save_array(path: Path, array: npt.NDArray[Any]) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
