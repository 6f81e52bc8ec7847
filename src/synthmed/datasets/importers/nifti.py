"""Import NIfTI volumes slice by slice, with label volumes as masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.datasets.importers.items import Item, Picture, RejectedError
from synthmed.datasets.importers.nifti_names import subject_of, volumes
from synthmed.datasets.importers.walking import walk_files
from synthmed.errors import SynthmedError

AXES = ("sagittal", "coronal", "axial")
UNITS = ("stored value", "HU")
SAME = 1e-2  # mm: a mask lies on its image if no corner of the two is further apart


@dataclass(frozen=True)
class NiftiImporter:
    """Reads NIfTI volumes as slices; one volume is one study, its subject one group.

    A file that is the label volume of another (`nifti_names.mask_of`) becomes its mask. Masks must
    have the image's size and place; they are never resampled.

    Attributes:
        source: A folder, or one file.
        axis: "axial", "coronal" or "sagittal".
        step: Take every so many slices.
        start: The first slice, counted from the feet, back or left.
        stop: The slice before which to stop; None is the end.
        unit: "HU" where the volumes are CT in Hounsfield units: the files do not say so.
        window: (low, high) in the unit, recorded in each row as the window to look through; the
            pixels keep their range.
        mask: A label volume, or a folder with one of the same name as each volume; None finds it
            by its name.
        modality: For the column `modality`, such as "MRI"; "" says "CT" if the unit is HU.
        body_part: For the column `body_part`.
    """

    source: Path
    axis: str = "axial"
    step: int = 1
    start: int = 0
    stop: int | None = None
    unit: str = "stored value"
    window: tuple[float, float] | None = None
    mask: Path | None = None
    modality: str = ""
    body_part: str = ""

    def __post_init__(self) -> None:
        """Refuse an axis or a unit that does not exist."""
        for choice, known in ((self.axis, AXES), (self.unit, UNITS)):
            if choice not in known:
                raise SynthmedError(f"no {choice!r} in NIfTI", mend=f"Known: {', '.join(known)}")

    def items(self) -> Iterator[Item]:
        """List the volumes that are not another's labels."""
        for name, path, mask in volumes(walk_files(self.source), self.mask):
            yield Item(name, (path, mask))

    def read(self, item: Item) -> Iterator[Picture]:
        """Read a volume's slices.

        Raises:
            RejectedError, SynthmedError: The volume or its mask cannot be read, or do not fit.
        """
        from synthmed.imaging.nifti import open_volume

        path, mask_path = item.payload
        volume = open_volume(path, unit=self.unit)
        labels = None if mask_path is None else open_volume(mask_path)
        if labels is not None and not _same_place(volume, labels):
            raise RejectedError(f"its mask {mask_path.name} has another size or place")
        count = volume.values.shape[AXES.index(self.axis)]
        between = float(volume.spacing[AXES.index(self.axis)])  # of neighbouring slices, in mm
        subject = subject_of(item.key)
        for index in range(count)[self.start : self.stop : self.step]:
            x, spec = volume.slice(self.axis, index)
            if self.window is not None:
                spec = replace(spec, window=self.window)
            yield Picture(
                x,
                spec,
                subject,
                {**self._cells(), "slice": float(index), "spacing_slice": between},
                study=item.key,
                suffix=f"_{self.axis[0]}{index:04d}",
                mask=None if labels is None else labels.labels(self.axis, index),
            )

    def describe(self) -> dict[str, Any]:
        """Give the settings."""
        return {
            "format": "nifti",
            "axis": self.axis,
            "slices": [self.start, self.stop, self.step],
            "unit": self.unit,
            "window": None if self.window is None else list(self.window),
            "mask": "" if self.mask is None else self.mask.name,
            "modality": self.modality,
            "body_part": self.body_part,
        }

    def _cells(self) -> dict[str, Any]:
        modality = self.modality or ("CT" if self.unit == "HU" else "")
        cells = {
            "modality": modality,
            "body_part": self.body_part,
            "image_type": f"{self.body_part} {modality}".strip(),
            "view": self.axis,
        }
        return {name: value for name, value in cells.items() if value}


def _same_place(volume: Any, labels: Any) -> bool:
    """Whether the outermost voxels of two volumes lie at the same points, in mm."""
    if volume.values.shape != labels.values.shape:
        return False
    last = np.asarray(volume.values.shape) - 1
    corners = np.array([[0, 0, 0, 1], [*last, 1], [last[0], 0, 0, 1], [0, last[1], 0, 1]])
    return bool(np.abs(corners @ (volume.affine - labels.affine).T).max() < SAME)
