"""What checks are built from: real images to fit and calibrate on, training images, a scorer."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import to_uint8
from synthmed.synthesis.filters.checks import FRAME, from_levels, kind_of, open_candidate
from synthmed.training.sources import collect_sources

if TYPE_CHECKING:
    from synthmed.measures.small_cnn import Classifier

PathLike = str | os.PathLike[str]
_HELD_OUT = 5  # one group of so many, where a set has no validation rows


@dataclass(frozen=True)
class Part:
    """Real images that checks work with.

    Attributes:
        rows: N rows.
        levels: Their framed images, uint8 (N, 3, 64, 64).
    """

    rows: tuple[Row, ...]
    levels: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.rows)

    @property
    def kinds(self) -> npt.NDArray[np.str_]:
        """(N,) image type, else modality, else ""."""
        return np.asarray([kind_of(row) for row in self.rows], dtype=np.str_)

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """(N,) group (patient) of each image."""
        return np.asarray([row.group_id for row in self.rows], dtype=np.str_)

    def frames(self, indices: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.float32]:
        """Framed images (n, 3, 64, 64), float32 in [-1, 1]; None gives all."""
        levels = self.levels if indices is None else self.levels[indices]
        return from_levels(levels)


@dataclass
class Materials:
    """What the user gave for the checks to work with.

    Attributes:
        fit: Real images that models are fitted on: the training rows of `--real`.
        held_out: Real images that thresholds are taken from: its validation rows. Its test rows
            are never read: they are for the judges of an evaluation.
        train: Training images of the generator.
        holdout: Real images of other patients than these.
        scorer: Folder of a trained classifier; None fits one.
        seed: Seeds the fit.
        tell: Told what takes long.
        notes: Warnings so far.
    """

    fit: Part | None = None
    held_out: Part | None = None
    train: Part | None = None
    holdout: Part | None = None
    scorer: Path | None = None
    seed: int = 0
    tell: Callable[[str], None] = lambda _: None
    notes: list[str] = field(default_factory=list)

    @cached_property
    def classifier(self) -> Classifier | None:
        """The scorer: the given one, else one fitted on `fit`; None where nothing can be fitted."""
        from synthmed.synthesis.filters.scorer import fit_scorer, open_scorer

        if self.scorer is not None:
            return open_scorer(self.scorer)
        assert self.fit is not None
        self.tell("fitting the scorer on real images")
        return fit_scorer(self.fit, self.seed)

    def warn(self, text: str) -> None:
        """Say what the user should know, once."""
        if text not in self.notes:
            self.notes.append(text)
            warnings.warn(text, stacklevel=3)


def gather(
    real: PathLike | None,
    train: PathLike | None,
    scorer: PathLike | None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Materials:
    """Read the real images that checks need.

    Args:
        real: Dataset folder of real images, or a YAML list of sources as recipes have it; test rows
            are not read.
        train: The same of the generator's training images: the training rows. Its
            validation rows, else those of `real`, are the images of other patients.
        scorer: Folder of a trained classifier.
        seed: Seeds what is fitted.
        tell: Told what takes long.

    Raises:
        SynthmedError: A folder that cannot be read or has no usable row.
    """
    materials = Materials(scorer=Path(scorer) if scorer else None, seed=seed, tell=tell)
    if real is not None:
        tell("reading the real images")
        fit, held_out = _real_parts(collect_sources(str(real), Path()).rows, real)
        materials.fit, materials.held_out = load_part(fit), load_part(held_out)
    if train is not None:
        tell("reading the training images")
        rows = collect_sources(str(train), Path()).rows
        seen = [row for row in rows if row.split == "train"]
        if not seen:
            raise SynthmedError("no training rows", where=train, mend="Check the column split.")
        others = [row for row in rows if row.split == "val"]
        names = {row.group_id for row in seen}
        if not others and materials.held_out is not None:
            others = list(materials.held_out.rows)
        others = [row for row in others if row.group_id not in names]
        materials.train, materials.holdout = load_part(seen), load_part(others)
    return materials


def load_part(rows: Sequence[Row]) -> Part:
    """Read and frame the images of rows; those that cannot be read are left out."""
    kept, levels = [], []
    for row in rows:
        try:
            candidate = open_candidate(row)
        except SynthmedError:
            continue
        kept.append(row)
        levels.append(to_uint8(candidate.frame))
    return Part(tuple(kept), np.asarray(levels, np.uint8).reshape(-1, 3, FRAME, FRAME))


def _real_parts(rows: list[Row], where: PathLike) -> tuple[list[Row], list[Row]]:
    """Rows to fit on and rows of other groups to calibrate on, none of them a test row."""
    fit = [row for row in rows if row.split == "train"]
    held_out = [row for row in rows if row.split == "val"]
    if not held_out:
        held_out = [row for row in fit if _drawn(row.group_id)]
    names = {row.group_id for row in held_out}
    fit = [row for row in fit if row.group_id not in names]
    if not fit or not held_out:
        raise SynthmedError(
            "no real images to calibrate on: training and validation rows are needed",
            where=where,
            mend="Give a set with training rows of several patients.",
        )
    return fit, held_out


def _drawn(group: str) -> bool:
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % _HELD_OUT == 0
