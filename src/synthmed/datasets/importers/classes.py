"""Import a folder of folders: the folder that an image lies in is its class, or its domain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.frames import check_frames, choose_frames
from synthmed.datasets.importers.items import Item, Picture, RejectedError
from synthmed.datasets.importers.walking import walk_files
from synthmed.errors import SynthmedError

IMAGE_SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".pgm", ".ppm", ".pnm"),
    *(".dcm", ".dicom", ".nii", ".gz"),
}
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class ClassesImporter:
    """Reads `class/image` or `split/class/image`; deeper folders belong to the class.

    Files of other endings than images' are passed over. Without a pattern each file is a group of
    its own, so several images of one patient may fall into several splits.

    Attributes:
        source: The folder.
        column: "labels" or "domain": what a folder's name means.
        group: A regular expression searched in each name (relative, with "/"); its first group,
            or all of the match, is the patient.
        frames: Of files with several frames: "all", "first", "middle" or how many.
        cells: Cells of every row, such as {"modality": "ultrasound"}.
    """

    source: Path
    column: str = "labels"
    group: str = ""
    frames: str = "first"
    cells: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a pattern that is no regular expression, and frames that cannot be chosen."""
        check_frames(self.frames)
        try:
            re.compile(self.group)
        except re.error as error:
            raise SynthmedError(f"no regular expression: {error}", where=self.group) from error

    def items(self) -> Iterator[Item]:
        """List the images that lie in a folder of a class."""
        for name, path in walk_files(self.source):
            if path.suffix.lower() in IMAGE_SUFFIXES:
                yield Item(name, path)

    def read(self, item: Item) -> Iterator[Picture]:
        """Read a file's frames.

        Raises:
            RejectedError, SynthmedError: It lies in no class, names no patient, or cannot be read.
        """
        from synthmed.imaging.reading import image_frames, open_image

        split, name = place_of(item.key)
        patient = ""
        if self.group:
            match = re.search(self.group, item.key)
            if match is None:
                raise RejectedError("its name does not match the pattern of the group")
            patient = match[1] if match.re.groups and match[1] else match[0]
        value: Any = [name] if self.column == "labels" else name
        count = image_frames(item.payload)
        for frame in choose_frames(self.frames, count):
            x, spec = open_image(item.payload, frame=frame)
            yield Picture(
                x,
                spec,
                patient,
                {self.column: value, **dict(self.cells)},
                split=split,
                suffix=f"_f{frame:05d}" if count > 1 and self.frames != "first" else "",
            )

    def describe(self) -> dict[str, Any]:
        """Give the settings."""
        return {
            "format": "classes" if self.column == "labels" else "domains",
            "group": self.group,
            "frames": self.frames,
            "cells": dict(self.cells),
        }


def place_of(name: str) -> tuple[str, str]:
    """Give the split ("" if none) and the class of a relative name.

    Raises:
        RejectedError: The file lies in no class's folder.
    """
    folders = name.split("/")[:-1]
    split = ""
    if len(folders) > 1 and folders[0].lower() in SPLIT_FOLDERS:
        split = SPLIT_FOLDERS[folders[0].lower()]
        folders = folders[1:]
    if not folders:
        raise RejectedError("it lies in no folder of a class")
    return split, folders[0].replace("_", " ").strip()
