"""What a check is: it measures images batch by batch and then judges a whole round of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image
from synthmed.imaging.spec import FloatArray
from synthmed.imaging.writing import to_uint8

FRAME = 64
"""Side of the framed images that models see, in pixels."""


@dataclass(frozen=True)
class Candidate:
    """An image under judgement.

    Attributes:
        row: Its row.
        image: (1 or 3, H, W) float32 in [-1, 1], as stored.
        frame: (3, 64, 64) float32 in [-1, 1] of 256 levels, grey repeated.
    """

    row: Row
    image: FloatArray
    frame: FloatArray


@dataclass(frozen=True)
class Verdict:
    """Why a check rejects an image.

    Attributes:
        score: What was measured.
        threshold: What it was compared with.
        reason: The same in words.
    """

    score: float
    threshold: float
    reason: str


class Check(Protocol):
    """What every check offers.

    Attributes:
        name: Its name in the registry.
        thresholds: What it compares with, by name, for the record; JSON values.
        models: Trained models that it asks: `check`, `id`, `sha256`.
    """

    name: str
    thresholds: dict[str, Any]
    models: list[dict[str, str]]

    def measure(self, candidates: Sequence[Candidate]) -> npt.NDArray[Any]:
        """Keep of each image of a batch what judging needs: (B, ...), a few numbers an image."""

    def judge(
        self, rows: Sequence[Row], measured: npt.NDArray[Any], alive: npt.NDArray[np.bool_]
    ) -> list[Verdict | None]:
        """Judge a round of N images.

        Args:
            rows: Their rows.
            measured: (N, ...), what `measure` gave.
            alive: (N,) which of them no earlier check has rejected; the others get None.

        Returns:
            N verdicts; None for an image that passes, or that cannot be judged.
        """


def open_candidate(row: Row) -> Candidate:
    """Read a row's image.

    Raises:
        SynthmedError: It cannot be read.
    """
    image, _ = open_image(row.file)
    frame = from_levels(to_uint8(Frame.for_image(image, FRAME).apply(image)))
    return Candidate(row, image, np.repeat(frame, 3 // frame.shape[0], axis=0))


def from_levels(levels: npt.NDArray[np.uint8]) -> FloatArray:
    """Grey levels 0 to 255 to float32 in [-1, 1].

    Frames of candidates and of real images have 8 bits alike: texture statistics see more levels.
    """
    return levels.astype(np.float32) / np.float32(127.5) - np.float32(1)


def kind_of(row: Row) -> str:
    """Give a row's image type, else its modality, else ""."""
    return row.image_type or row.modality
