"""The images of one domain, opened and framed as translate does, and how much they can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import content_hash
from synthmed.errors import SynthmedError
from synthmed.synthesis.calibration_images import Material
from synthmed.synthesis.calibration_structure import Boxes, too_thin
from synthmed.synthesis.translate_images import open_framed

FEWEST_GROUPS = 8
"""Patients (for a simulator: images) that a domain needs on either side of a pair."""
MANY_GROUPS = 40
"""Below this a warning says that the real-real interval is wide."""


@dataclass(frozen=True)
class DomainImages:
    """The images of one domain.

    Attributes:
        name: The domain.
        rows: Their rows.
        pixels: (N, 1 or 3, S, S) float32 in [-1, 1], framed as in training.
        boxes: (N, 4) where each image lies in its square: top, left, height, width.
        units: (N,) what intervals resample: the patient, but every image of a shared group.
        shared: Number of groups that the Generator was trained on too (`Material.shared`).
        content: Hash of the rows and of their files.
    """

    name: str
    rows: tuple[Row, ...]
    pixels: npt.NDArray[np.float32]
    boxes: Boxes
    units: npt.NDArray[np.str_]
    shared: int
    content: str

    @property
    def groups(self) -> int:
        """Number of patients (groups)."""
        return len({row.group_id for row in self.rows})

    @property
    def count(self) -> int:
        """Number of what intervals resample."""
        return len(set(self.units.tolist()))

    @property
    def of_patients(self) -> bool:
        """Whether intervals resample patients, none of whom the Generator was trained on."""
        return not self.shared and self.count == self.groups

    @property
    def too_few(self) -> str:
        """Why nothing can be measured of this domain; "" where it can."""
        if self.count >= FEWEST_GROUPS:
            return ""
        held = f"{len(self.rows)} images of {self.count} groups"
        return f"{self.name} has {held}, {FEWEST_GROUPS} needed"

    @property
    def few(self) -> str:
        """A warning where there are fewer than 40 patients; "" else."""
        if self.count >= MANY_GROUPS:
            return ""
        what = "patients" if self.of_patients else "images"
        return (
            f"{self.name}: few {what} ({self.count}, {MANY_GROUPS} are wanted): the real-real"
            " interval is wide, the dial of realism is lenient"
        )

    def colours(self, channels: int) -> npt.NDArray[np.float32]:
        """Give the images with 1 or 3 channels: grey ones repeated, colours averaged."""
        if self.pixels.shape[1] == channels:
            return self.pixels
        if channels == 3:
            return np.repeat(self.pixels, 3, axis=1)
        return self.pixels.mean(axis=1, keepdims=True)


def open_domain(
    name: str,
    material: Material,
    size: int,
    rejected: list[dict[str, str]],
    *,
    grey_only: bool = False,
) -> DomainImages:
    """Read and frame the images of a domain, as translate does.

    Args:
        name: The domain.
        material: What was drawn.
        size: Side of the model's images, in pixels.
        rejected: Images that translate would reject are added, with the reason; so are those whose
            inside of the frame is under 11 pixels on a side.
        grey_only: Whether the model knows grey images only.
    """
    kept, images, boxes = list[Row](), list[npt.NDArray[np.float32]](), list[Any]()
    for row in material.rows[name]:
        try:
            framed = open_framed(row.file, size, grey_only=grey_only)
            reason = too_thin(*framed.frame.inner[2:])
        except Exception as error:  # a hostile file must not end the run
            reason = _reason(error, row)
        if reason:
            rejected.append({"file_name": row.file_name, "reason": reason})
            continue
        images.append(framed.square[: len(framed.x)])
        boxes.append(framed.frame.inner)
        kept.append(row)
    channels = max((len(image) for image in images), default=1)
    pixels = np.zeros((len(images), channels, size, size), np.float32)
    for i, image in enumerate(images):
        pixels[i] = image  # one channel spreads over three
    shared = len({row.group_id for row in kept} & set(material.shared))
    units = [
        f"{row.group_id} #{i}" if row.group_id in material.shared else row.group_id
        for i, row in enumerate(kept)
    ]
    places = np.asarray(boxes, dtype=np.int64).reshape(-1, 4)
    names = np.asarray(units, dtype=np.str_)
    return DomainImages(name, tuple(kept), pixels, places, names, shared, content_hash(kept))


def _reason(error: Exception, row: Row) -> str:
    """Why an image was rejected, in one line and without the place on this machine."""
    text = str(error)
    if not isinstance(error, SynthmedError):
        text = f"cannot read it: {type(error).__name__}: {text}"
    return " ".join(text.replace(str(row.file), row.file_name).split())[:300]
