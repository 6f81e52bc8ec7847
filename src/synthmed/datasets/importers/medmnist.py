"""Import a 2D set in MedMNIST's format: an .npz of images and labels for train, val and test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.datasets.importers.items import Item, Picture
from synthmed.datasets.importers.medmnist_labels import KINDS, LABELS, NOTHING, flag_of
from synthmed.datasets.importers.npz import members, read_all, read_rows
from synthmed.datasets.rows import SPLITS
from synthmed.errors import SynthmedError
from synthmed.imaging.spec import spec_8bit

_BLOCK_BYTES = 2**20
_MAX_SIDE = 8000


@dataclass(frozen=True)
class MedmnistImporter:
    """Reads `train_images`, `train_labels`, `val_…`, `test_…`; the splits are kept.

    The set's name is taken from the file's name; for an unknown one the labels are "class 0", ....
    These files name no patients: each image is a group of its own.

    Attributes:
        source: The .npz file, or a folder with one.
        flag: Name of the set, such as "pneumoniamnist"; "" takes it from the file's name.
    """

    source: Path
    flag: str = ""

    def __post_init__(self) -> None:
        """Find the one file of a folder."""
        if self.source.is_dir():
            files = sorted(self.source.glob("*.npz"))
            if len(files) != 1:
                raise SynthmedError(
                    f"{len(files)} .npz files are there", where=self.source, mend="Name one."
                )
            object.__setattr__(self, "source", files[0])

    def items(self) -> Iterator[Item]:
        """List blocks of images, which carry their pixels: the file is read once, in order."""
        for split, shape in self._shapes().items():
            labels = read_all(self.source, f"{split}_labels")
            if len(labels) != shape[0]:
                raise SynthmedError(
                    f"{shape[0]} images but {len(labels)} labels in {split}", where=self.source
                )
            block = _block(shape)
            stream = read_rows(self.source, f"{split}_images", block)
            for number, data in enumerate(stream):
                start = number * block
                part = labels[start : start + block].reshape(-1, _width(labels.shape))
                yield Item(f"{split}:{start}", (split, start, data, shape[1:], part.tolist()))

    def count(self) -> int:
        """Give the number of items, from the headers."""
        return sum(-(-shape[0] // _block(shape)) for shape in self._shapes().values())

    def read(self, item: Item) -> Iterator[Picture]:
        """Cut a block into images."""
        split, start, data, shape, labels = item.payload
        flag = self.flag or flag_of(self.source.stem)
        modality, part, kind = KINDS.get(flag, ("", "", ""))
        known = {"modality": modality, "body_part": part, "image_type": kind}
        known = {name: value for name, value in known.items() if value}
        pixels = np.frombuffer(data, np.uint8).reshape(-1, *shape)
        for index, (values, label) in enumerate(zip(pixels, labels, strict=True)):
            planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
            x = planes.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
            number = start + index
            yield Picture(
                np.ascontiguousarray(x),
                spec_8bit(x.shape[0], "NPZ"),
                f"{split}\x1f{number}",
                {**known, "labels": names_of(flag, label), "index": float(number)},
                split=split,
                suffix=f"_{index:05d}",
            )

    def describe(self) -> dict[str, Any]:
        """Give the settings."""
        return {"format": "medmnist", "flag": self.flag or flag_of(self.source.stem)}

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Give the shape of each split's images.

        Raises:
            SynthmedError: Not MedMNIST's arrays, or a 3D set.
        """
        known = members(self.source)
        shapes = {s: known[f"{s}_images"].shape for s in SPLITS if f"{s}_images" in known}
        for split, shape in shapes.items():
            if known[f"{split}_images"].dtype != np.uint8 or f"{split}_labels" not in known:
                shapes = {}
                break
            flat = len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)
            if not flat or not all(0 < side <= _MAX_SIDE for side in shape[1:3]):
                raise SynthmedError(
                    f"images of shape {shape[1:]} are not read",
                    where=self.source,
                    mend="The 2D sets of MedMNIST are (n, h, w) or (n, h, w, 3).",
                )
        if not shapes:
            raise SynthmedError(
                "not MedMNIST's arrays",
                where=self.source,
                mend="train_images and train_labels (uint8), val_…, test_… are needed.",
            )
        return shapes


def names_of(flag: str, label: list[Any]) -> list[str]:
    """Name a row's labels: one class number, or a yes or no for each of several labels."""
    names = LABELS.get(flag, ())
    numbers = [int(label[0])] if len(label) == 1 else [i for i, yes in enumerate(label) if yes]
    found = [names[n] if 0 <= n < len(names) else f"class {n}" for n in numbers]
    return found or [NOTHING[flag]] if flag in NOTHING else found


def _block(shape: tuple[int, ...]) -> int:
    return max(1, min(256, _BLOCK_BYTES // max(1, int(np.prod(shape[1:])))))


def _width(shape: tuple[int, ...]) -> int:
    return 1 if len(shape) == 1 else int(np.prod(shape[1:]))
