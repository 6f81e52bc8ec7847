"""The real sets of `utility_table`: N patients, 2N patients, test patients."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from benchmarks.common import ROOT
from benchmarks.data import load_framed
from synthmed.datasets.folder import read_dataset
from synthmed.datasets.importers import import_dataset
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.designs import some_patients
from synthmed.evaluation.utility_parts.labelled import Labelled
from synthmed.evaluation.utility_parts.tasks import age_band
from synthmed.measures.arrays import box_resize

SEED = 0
HALF = 0.5
SEEN = 32
"""Side in pixels of what classifiers see: larger images are shrunk by area. So each of them can see
100,000 images in about two minutes of one core. On the validation rows of ham10000-small, which are
used for nothing else, 32 pixels did no worse than 64, in half the time."""


@dataclass(frozen=True)
class Candidate:
    """A real set that the table may be measured on; see `utility-sets.yaml`.

    Attributes:
        name: Its name.
        path: Its folder, relative to the repository.
        size: Side of the generator's images in pixels.
        columns: What its columns mean.
        medmnist: Name of the set, if it is a file in MedMNIST's format.
        classes: Labels that count; () takes all.
        double: Images of "2N", the classes drawn evenly; 0 takes all training images.
    """

    name: str
    path: str
    size: int
    columns: dict[str, Any] = field(default_factory=dict)
    medmnist: str = ""
    classes: Sequence[str] = ()
    double: int = 0


@dataclass(frozen=True)
class RealSet:
    """A candidate that was read: rows of one known label each, no two with the same pixels.

    Attributes:
        name: The candidate's.
        size: Side of the generator's images in pixels.
        rows: Rows of "2N" and of the test split.
    """

    name: str
    size: int
    rows: list[Row]

    @cached_property
    def classes(self) -> list[str]:
        """Labels in alphabetical order."""
        return sorted({row.labels[0] for row in self.rows})

    @cached_property
    def _all(self) -> Labelled:
        return labelled(self.rows, self.classes, self.pictures(self.rows))

    def pictures(self, rows: Sequence[Row]) -> npt.NDArray[np.float32]:
        """Images as classifiers see them: framed at the set's size, then shrunk, real or not."""
        images = load_framed(rows, self.size)
        if self.size <= SEEN:
            return images
        return box_resize(images.astype(np.float64), SEEN).astype(np.float32)

    @property
    def double(self) -> Labelled:
        """The training images: "2N"."""
        return self._all.take([row.split == "train" for row in self.rows])

    @property
    def test(self) -> Labelled:
        """The test images, of other patients."""
        return self._all.take([row.split == "test" for row in self.rows])

    @cached_property
    def half(self) -> npt.NDArray[np.int64]:
        """Which rows of `double` are "N": half of them, whole patients, drawn by a fixed seed."""
        return some_patients(self.double, HALF, SEED)

    def half_rows(self) -> list[Row]:
        """The rows of "N"."""
        train = [row for row in self.rows if row.split == "train"]
        return [train[i] for i in self.half]


def candidates(listing: Path) -> list[Candidate]:
    """Read the list of candidates."""
    return [Candidate(**entry) for entry in yaml.safe_load(listing.read_text(encoding="utf-8"))]


def read_set(candidate: Candidate, work: Path, most: int | None) -> RealSet:
    """Read a candidate's training and test rows.

    Args:
        candidate: What to read.
        work: Folder for a set that has to be imported first.
        most: Rows a split at most, of every class alike; None takes all.

    Raises:
        SynthmedError: The set is not there, or cannot be read.
    """
    rows = [row for row in _rows(candidate, work) if len(row.labels) == 1]
    rows = [row for row in rows if row.split != "val"]
    if candidate.classes:
        rows = [row for row in rows if row.labels[0] in candidate.classes]
    train = [row for row in rows if row.split == "train"]
    test = [row for row in rows if row.split == "test"]
    if most or candidate.double:
        train = _evenly(train, min(most or len(train), candidate.double or len(train)))
    chosen = train + (_evenly(test, most) if most else test)
    return RealSet(candidate.name, candidate.size, _distinct(chosen, candidate.size))


def labelled(
    rows: Sequence[Row],
    classes: Sequence[str],
    images: npt.NDArray[np.float32],
    seen: frozenset[str] | None = None,
) -> Labelled:
    """Give rows and their framed images as arrays, with sex and age band for subgroups."""
    columns = {"sex": [row.sex or "" for row in rows], "age": [age_band(row.age) for row in rows]}
    return Labelled(
        images,
        np.asarray([list(classes).index(row.labels[0]) for row in rows]),
        np.asarray([row.group_id for row in rows]),
        np.asarray([row.image_type for row in rows]),
        {name: np.asarray(cells) for name, cells in columns.items()},
        seen,
    )


def _rows(candidate: Candidate, work: Path) -> list[Row]:
    source = ROOT / candidate.path
    if not source.exists():
        raise SynthmedError("the real set is not there", where=candidate.path)
    if not candidate.medmnist:
        return read_dataset(source, columns=candidate.columns).rows
    folder = work / "imported"
    if not (folder / "dataset.json").is_file():
        import_dataset(
            source, folder, format="medmnist", jobs=1, name=candidate.name, flag=candidate.medmnist
        )
    return read_dataset(folder).rows


def _evenly(rows: Sequence[Row], count: int) -> list[Row]:
    """About `count` rows, of every class alike as far as it goes, spread over the table."""
    labels = sorted({row.labels[0] for row in rows})
    kept = set()
    for label in labels:
        own = [i for i, row in enumerate(rows) if row.labels[0] == label]
        n = min(len(own), max(1, count // len(labels)))
        kept |= {own[i * len(own) // n] for i in range(n)}
    return [row for i, row in enumerate(rows) if i in kept]


def _distinct(rows: Sequence[Row], size: int) -> list[Row]:
    """The rows without those whose framed pixels came before; test rows come first."""
    ordered = sorted(rows, key=lambda row: row.split != "test")
    images = load_framed(ordered, size)
    first: dict[str, int] = {}
    for i, image in enumerate(images):
        first.setdefault(hashlib.sha256(image.tobytes()).hexdigest(), i)
    return [replace(ordered[i]) for i in sorted(first.values())]
