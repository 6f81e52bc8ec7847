"""The real rows that benchmarks judge by: read from a list of sources, framed, never written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SafetyError
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image
from synthmed.training.sources import read_sources

ROOT = Path(__file__).resolve().parents[1]


def read_rows(listing: Path, split: str) -> list[Row]:
    """Read the rows of one split from all sources of a recipe's list.

    Args:
        listing: YAML list of sources; its paths are absolute, or relative to the current folder
            (the repository) or to the list.
        split: "train", "val" or "test".

    Raises:
        SynthmedError: There is no such list, or a source is missing.
        SafetyError: A group (patient) in more than one split.
    """
    return [row for row in read_sources(str(listing), ROOT).rows if row.split == split]


def load_framed(rows: Sequence[Row], size: int) -> npt.NDArray[np.float32]:
    """Read and frame images as training does: `(N, 3, size, size)` in [-1, 1], 8 bits deep."""
    images = np.empty((len(rows), 3, size, size), np.float32)
    for i, row in enumerate(rows):
        image, _ = open_image(row.file)
        images[i] = Frame.for_image(image, size).apply(image)
    return eight_bits(images)


def eight_bits(images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Round images in [-1, 1] to the 256 grey levels of a file."""
    levels = np.rint((np.clip(images, -1, 1) + 1) * 127.5)
    return np.asarray(levels / 127.5 - 1, np.float32)


def refuse_overlap(rows: Iterable[Row], card: dict[str, Any]) -> str:
    """Make sure that a model was not trained on the patients who judge it.

    Returns:
        What was found, for the results.

    Raises:
        SafetyError: Some of the groups were seen in training.
    """
    seen = card.get("training_groups")
    if seen is None:
        return "the model does not say which groups it was trained on"
    both = (set(seen) | set(card.get("codec_groups") or ())) & set(group_hashes(rows))
    if both:
        raise SafetyError(f"{len(both)} of the judging groups were seen in training")
    return "none of the judging groups was seen in training"


def slug(name: str) -> str:
    """A name in small letters, digits and hyphens, fit for files."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
