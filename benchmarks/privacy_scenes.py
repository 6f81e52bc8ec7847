"""The sets of real images that `privacy_audit` plants copies into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.data import eight_bits, load_framed
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.measures.copies.symmetries import SYMMETRIES
from synthmed.models.generator import Generator
from synthmed.training.augment import SAFE

Images = npt.NDArray[np.float32]
FEWEST_TRAIN = 8
LARGE = ("chest X-ray (covid-cxr)",)
"""Sets whose images are also judged at twice the size."""
BATCH = 32


@dataclass(frozen=True)
class Scene:
    """One set at one size; patients of `held_out` have no image in `train`.

    Attributes:
        name: Image type and source.
        size: Side of the images in pixels.
        image_type: The type.
        train: Training rows.
        held_out: Rows of the other splits.
    """

    name: str
    size: int
    image_type: str
    train: list[Row]
    held_out: list[Row]

    @property
    def title(self) -> str:
        """Name and size."""
        return f"{self.name}, {self.size} px"

    @cached_property
    def train_images(self) -> Images:
        """(T, 3, S, S) in [-1, 1]."""
        return load_framed(self.train, self.size)

    @cached_property
    def held_images(self) -> Images:
        """(H, 3, S, S) in [-1, 1]."""
        return load_framed(self.held_out, self.size)

    @property
    def train_groups(self) -> list[str]:
        """Patient of each training image."""
        return [row.group_id for row in self.train]

    @property
    def held_groups(self) -> list[str]:
        """Patient of each hold-out image."""
        return [row.group_id for row in self.held_out]

    @property
    def symmetries(self) -> tuple[str, ...]:
        """Positions that augmentation may have shown the training images in, and the mirror."""
        safe = SAFE.get(self.image_type, ())
        if "turn" in safe:
            return tuple(SYMMETRIES)
        return tuple(SYMMETRIES)[: 4 if "symmetric" in safe else 2]


def scenes(
    rows: Sequence[Row], size: int, groups: int, sets: int | None, images: int | None, large: bool
) -> list[Scene]:
    """The sets of a list of sources that have enough held-out patients.

    Args:
        rows: Rows of all splits.
        size: Side of the images in pixels.
        groups: Held-out patients that a set needs.
        sets: Sets at most; None takes all.
        images: Images of each side, at most, spread evenly; None takes all.
        large: Whether the sets of `LARGE` are judged at twice the size too.

    Raises:
        SynthmedError: There is none.
    """
    found: list[Scene] = []
    for name in dict.fromkeys(_set_of(row) for row in rows):
        own = [row for row in rows if _set_of(row) == name]
        train = _spread([row for row in own if row.split == "train"], images)
        held_out = _spread([row for row in own if row.split != "train"], images)
        if len({row.group_id for row in held_out}) < groups or len(train) < FEWEST_TRAIN:
            continue
        found.append(Scene(name, size, own[0].image_type, train, held_out))
        if large and name in LARGE:
            found.append(Scene(name, 2 * size, own[0].image_type, train, held_out))
    if not found:
        raise SynthmedError("no set has enough training images and held-out patients")
    return found[:sets]


def codec_of(generator: Generator, scene: Scene) -> Callable[[Images], Images]:
    """Sends images of a set through a generator's codec, as files of 8 bits hold them."""
    grey = generator.channels(scene.image_type) == 1
    codec, device = generator.codec, generator.device

    def through(images: Images) -> Images:
        with torch.no_grad():
            parts = [
                codec.decode(codec.encode(part.to(device))).cpu()
                for part in torch.from_numpy(np.ascontiguousarray(images)).split(BATCH)
            ]
        decoded = torch.cat(parts).float().numpy()
        if grey:
            decoded = np.repeat(decoded.mean(axis=1, keepdims=True), 3, axis=1)
        return eight_bits(decoded)

    return through


def _set_of(row: Row) -> str:
    """Image type and source: "chest X-ray (nih)"."""
    return f"{row.image_type} ({row.group_id.split(':')[0]})"


def _spread(rows: Sequence[Row], most: int | None) -> list[Row]:
    """Rows spread evenly, at most so many."""
    if most is None or len(rows) <= most:
        return list(rows)
    return [rows[i * len(rows) // most] for i in range(most)]
