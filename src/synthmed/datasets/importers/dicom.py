"""Import a tree of DICOM files: one row an image or frame, grouped by patient, study and series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmed.datasets.importers.deidentify import (
    age_of,
    day_of,
    description_of,
    device_of,
    patient_of,
    sex_of,
    text_of,
)
from synthmed.datasets.importers.dicom_kinds import refusal
from synthmed.datasets.importers.dicom_words import words_of
from synthmed.datasets.importers.frames import check_frames, choose_frames
from synthmed.datasets.importers.items import Item, Picture, RejectedError
from synthmed.datasets.importers.walking import first_bytes, walk_files

if TYPE_CHECKING:
    from pydicom import Dataset

_SUFFIXES = {"", ".dcm", ".dicom", ".ima", ".img", ".dc3"}


@dataclass(frozen=True)
class DicomImporter:
    """Reads a tree of DICOM files.

    A file counts as DICOM by its magic bytes, else by its suffix (.dcm, .dicom, .ima, .img or
    none); others, DICOMDIR among them, are passed over. A file that was in the tree before (same
    SOP Instance UID) is rejected.

    Attributes:
        source: The folder, or one file.
        frames: Of a multi-frame file: "all", "first", "middle", or a number of frames evenly
            spread.
        allow_burned_in: Take images that say Burned In Annotation YES.
        allow_captures: Take secondary captures.
        keep_description: Keep the study's and series' descriptions and the image comments in the
            column `description`, known names removed.
    """

    source: Path
    frames: str = "all"
    allow_burned_in: bool = False
    allow_captures: bool = False
    keep_description: bool = False

    def __post_init__(self) -> None:
        """Refuse frames that cannot be chosen."""
        check_frames(self.frames)

    def items(self) -> Iterator[Item]:
        """List the files, by name."""
        for name, path in walk_files(self.source):
            if path.name.upper() != "DICOMDIR" and _looks_dicom(path):
                yield Item(name, path)

    def read(self, item: Item) -> Iterator[Picture]:
        """Read a file's frames.

        Raises:
            RejectedError, SynthmedError: It is no image to learn from, or cannot be read.
        """
        from synthmed.imaging.dicom import read_header
        from synthmed.imaging.reading import image_frames, open_image

        header = read_header(item.payload)
        reason = refusal(
            header, allow_burned_in=self.allow_burned_in, allow_captures=self.allow_captures
        )
        if reason:
            raise RejectedError(reason)
        count = image_frames(item.payload)
        cells = self._cells(header)
        uid = text_of(header, "SOPInstanceUID")
        for frame in choose_frames(self.frames, count):
            x, spec = open_image(item.payload, frame=frame)
            many = count > 1
            yield Picture(
                x,
                spec,
                patient_of(header),
                {**cells, "frame": float(frame)} if many else dict(cells),
                study=text_of(header, "StudyInstanceUID"),
                series=text_of(header, "SeriesInstanceUID"),
                day=day_of(header),
                uid=f"{uid}\x1f{frame}" if uid else "",
                suffix=f"_f{frame:05d}" if many else "",
                secrets=(text_of(header, "PatientID"), text_of(header, "AccessionNumber")),
            )

    def describe(self) -> dict[str, Any]:
        """Give the settings."""
        return {
            "format": "dicom",
            "frames": self.frames,
            "allow_burned_in": self.allow_burned_in,
            "allow_captures": self.allow_captures,
            "keep_description": self.keep_description,
        }

    def _cells(self, header: Dataset) -> dict[str, Any]:
        device = device_of(header)
        cells: dict[str, Any] = {
            **words_of(header),
            "age": age_of(header),
            "sex": sex_of(header),
            "domain": device.get("manufacturer", ""),
            **device,
            "instance": _number(text_of(header, "InstanceNumber")),
            "spacing_slice": _length(text_of(header, "SpacingBetweenSlices")),
        }
        if text_of(header, "RecognizableVisualFeatures").upper() == "YES":
            cells["recognizable"] = "yes"
        if text_of(header, "SyntheticData").upper() == "YES":
            cells["synthetic"] = True
        if self.keep_description:
            text, removed = description_of(header)
            cells["description"] = text
            if removed:
                cells["identifiers_removed"] = "description"
        return {name: value for name, value in cells.items() if value not in ("", None)}


def _looks_dicom(path: Path) -> bool:
    return first_bytes(path, 132)[128:] == b"DICM" or path.suffix.lower() in _SUFFIXES


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 2**31 else None


def _length(text: str) -> float | None:
    """Give a length in mm, None where the text holds none that can be."""
    length = _number(text)
    return length if length is not None and 1e-6 < length < 1e4 else None
