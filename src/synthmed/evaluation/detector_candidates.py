"""The images of files, folders and datasets that a detector is asked about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.table_reading import find_tables
from synthmed.errors import SynthmedError
from synthmed.evaluation.frames import FLAT
from synthmed.imaging.files import shown
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image

Rejected = list[dict[str, str]]
"""`file` and `reason` of what cannot be scored."""


@dataclass(frozen=True)
class Candidate:
    """An image to be scored.

    Attributes:
        file: The file.
        name: What it is called in the results.
        kind: Its image type, "" if unknown.
        group: Its group, "" if unknown.
    """

    file: Path
    name: str
    kind: str = ""
    group: str = ""


def candidates_of(path: Path, many: bool, rejected: Rejected) -> Iterator[Candidate]:
    """Give the images of a file, a dataset folder or a plain folder.

    Args:
        path: The file or folder.
        many: Whether it is one of many, so that names begin with its own.
        rejected: Rows that cannot be used are added.
    """
    root = path.parent if many else path
    if not path.is_dir():
        yield Candidate(path, shown(path.name))
        return
    try:
        find_tables(path)
    except SynthmedError:
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(name for name in files if not name.startswith(".")):
                file = Path(folder) / name
                yield Candidate(file, shown(file.relative_to(root)))
        return
    try:
        dataset = read_dataset(path)
    except SynthmedError as error:
        rejected.append({"file": shown(path.name), "reason": str(error)})
        return
    rejected += [{"file": shown(bad.file_name), "reason": bad.reason} for bad in dataset.rejected]
    for row in dataset.rows:
        name = os.path.relpath(row.file, root)
        yield Candidate(row.file, shown(name), row.image_type or row.modality, row.group_id)


def framed(candidate: Candidate, size: int, rejected: Rejected) -> npt.NDArray[np.float32] | None:
    """The image (3, S, S) in [-1, 1]; None, and a line in `rejected`, if there is none."""
    try:
        image, _ = open_image(candidate.file)
        if float(image.std()) < FLAT:
            raise SynthmedError("blank: the image has one grey level")
        clipped = np.clip(image, -1, 1)
        framed = np.clip(Frame.for_image(clipped, size).apply(clipped), -1, 1)
    except SynthmedError as error:
        rejected.append({"file": candidate.name, "reason": str(error)})
        return None
    return np.repeat(framed, 3 // framed.shape[0], axis=0)
