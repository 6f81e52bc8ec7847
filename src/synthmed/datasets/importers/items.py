"""What an importer lists and reads: items, pictures, and the reasons against them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from synthmed.imaging.spec import FloatArray, ImageSpec

DAY = "\0day"  # the key of a row's shifted day, which no table's column can have
Mask = npt.NDArray[np.unsignedinteger[Any]]


class RejectedError(Exception):
    """A file or row that is left out; the message is the reason for rejected.csv."""


@dataclass(frozen=True)
class Item:
    """One piece of work: a file, a row of a table, or a block of images.

    Attributes:
        key: Names it in the source, for rejected.csv and for continuing; unique and stable.
        payload: What the importer needs to read it; small, and picklable.
        number: Its place in the list, from 0; the engine sets it, and it names the images.
    """

    key: str
    payload: Any = None
    number: int = 0


@dataclass
class Picture:
    """One row to be: an image and what its source says, before de-identification.

    Attributes:
        x: (1 or 3, H, W), float32; None for a row without an image (a report).
        spec: The image's spec; None where there is no image.
        patient: What identifies the group in the source; it is replaced by a keyed hash. "" is
            unknown: the item is then a group of its own.
        cells: Contract and extra columns; no identifiers.
        study: Identifies the study; replaced by a keyed hash.
        series: Identifies the series; replaced by a keyed hash.
        day: Days since any fixed date; it is stored shifted by a secret number of the group, and
            becomes `day_offset` at the end. None is unknown.
        split: "train", "val" or "test"; "" lets the group's hash decide.
        uid: Two pictures with the same uid are one: the second is rejected. "" is never the same.
        suffix: Tells the pictures of one item apart in the file name, such as "_f003".
        mask: Labels (H, W), for `mask_file_name`.
        masks: Labels (H, W) by name, for `masks`.
        secrets: Identifiers that are replaced by pseudonyms wherever a text of `cells` has them as
            a word of at least `worker.LEAST` characters.
    """

    x: FloatArray | None
    spec: ImageSpec | None
    patient: str
    cells: dict[str, Any]
    study: str = ""
    series: str = ""
    day: int | None = None
    split: str = ""
    uid: str = ""
    suffix: str = ""
    mask: Mask | None = None
    masks: dict[str, Mask] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


class Importer(Protocol):
    """A source of pictures. It is pickled to the worker processes, so it holds settings only."""

    def items(self) -> Iterator[Item]:
        """List the work, cheaply, always in the same order."""

    def read(self, item: Item) -> Iterator[Picture]:
        """Read one item.

        Raises:
            RejectedError, SynthmedError: The item, or the rest of it, cannot be used.
        """

    def describe(self) -> dict[str, Any]:
        """Give the settings that decide what is made; JSON values."""
