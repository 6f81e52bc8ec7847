"""Designs to probabilities: a classifier for each design and seed, finished ones kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.designs import (
    Design,
    shuffled_labels,
    some_images,
    some_patients,
)
from synthmed.evaluation.utility_parts.labelled import Labelled
from synthmed.evaluation.utility_parts.training import Fitting, Phase, fit, predict

VERSION = 1
"""Goes into the names of kept files; a change of the training raises it."""


@dataclass(frozen=True)
class Chosen:
    """The images of one design and seed.

    Attributes:
        real: Real images in use; None for "synthetic".
        synthetic: Synthetic images in use; None for "real".
    """

    real: Labelled | None
    synthetic: Labelled | None


@dataclass(frozen=True)
class Runs:
    """Trains what a table needs.

    Attributes:
        real: Real training images by name.
        synthetic: Synthetic images by name.
        test: Real test images, all of known class.
        classes: Number of classes.
        fitting: How classifiers are trained.
        store: Folder for finished probabilities; None keeps none.
        progress: Told what is being trained.
    """

    real: Mapping[str, Labelled]
    synthetic: Mapping[str, Labelled]
    test: Labelled
    classes: int
    fitting: Fitting
    store: Path | None
    progress: Callable[[str], None]

    def chosen(self, design: Design, seed: int) -> Chosen:
        """Give the images of a design, drawn by the seed.

        Raises:
            SynthmedError: An unknown set, or fewer synthetic images than the ratio asks for.
        """
        real = _of(self.real, design.real, "real")
        real = real.take(some_patients(real, design.fraction, seed))
        if design.way == "real":
            return Chosen(real, None)
        pool = _of(self.synthetic, design.synthetic, "synthetic")
        count = round(design.ratio * len(real))
        if not 0 < count <= len(pool):
            raise SynthmedError(
                f"{count} synthetic images are needed, {len(pool)} have a known class",
                where=design.name,
                mend="Make more, or ask for a smaller ratio.",
            )
        made = pool.take(some_images(pool, count, seed))
        return Chosen(None if design.way == "synthetic" else real, made)

    def probabilities(self, design: Design, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Probabilities (S, N, K) of the test images by the classifiers of all seeds."""
        return np.stack([self._one(design, seed) for seed in seeds])

    def done(self, design: Design, seed: int) -> bool:
        """Whether the probabilities of a design and seed are in the store."""
        file = self._file(design, seed)
        return file is not None and file.is_file()

    def _one(self, design: Design, seed: int) -> NDArray[np.float64]:
        file = self._file(design, seed)
        if file is not None and file.is_file():
            kept: NDArray[np.float64] = np.load(file, allow_pickle=False)
            return kept
        self.progress(f"training: {design.name}, seed {seed}")
        phases = phases_of(design, self.chosen(design, seed), self.fitting.steps, seed)
        made = predict(fit(phases, self.classes, self.fitting, seed), self.test.images)
        if file is not None:
            _save(file, made)
        return made

    def _file(self, design: Design, seed: int) -> Path | None:
        """Where the probabilities of a design and seed lie: named by all that decides them."""
        if self.store is None:
            return None
        sets = [self._digests["test"], self._digests[f"real {design.real}"]]
        if design.way != "real":
            sets.append(self._digests[f"synthetic {design.synthetic}"])
        facts = {**asdict(design), "name": "", "real": "", "synthetic": ""}
        what = [VERSION, facts, seed, asdict(self.fitting), self.classes, sets]
        digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        return self.store / f"probabilities-{digest[:32]}.npy"

    @cached_property
    def _digests(self) -> dict[str, str]:
        """What each set holds, as a hash."""
        sets = {"test": self.test}
        sets |= {f"real {name}": side for name, side in self.real.items()}
        sets |= {f"synthetic {name}": side for name, side in self.synthetic.items()}
        return {name: _digest(side) for name, side in sets.items()}


def phases_of(design: Design, chosen: Chosen, steps: int, seed: int) -> list[Phase]:
    """Give the phases of a design; their steps add up to `steps` times the design's multiple."""
    steps *= design.times
    made = chosen.synthetic
    if made is None:
        assert chosen.real is not None
        return [Phase([chosen.real], [1.0], steps)]
    if design.shuffled:
        made = Labelled(made.images, shuffled_labels(made.labels, seed), made.groups, made.kinds)
    if chosen.real is None:
        return [Phase([made], [1.0], steps)]
    if design.way == "together":
        ratio = design.ratio
        return [Phase([chosen.real, made], [1 / (1 + ratio), ratio / (1 + ratio)], steps)]
    half = max(1, steps // 2)
    return [Phase([made], [1.0], half), Phase([chosen.real], [1.0], max(1, steps - half))]


def _of(sets: Mapping[str, Labelled], name: str, what: str) -> Labelled:
    if name not in sets:
        raise SynthmedError(f"no {what} set {name!r}", mend=f"Known: {', '.join(sets) or 'none'}.")
    return sets[name]


def _digest(side: Labelled) -> str:
    digest = hashlib.sha256()
    for column in (side.labels, side.groups, side.kinds):
        digest.update(json.dumps(np.asarray(column).tolist()).encode())
    for start in range(0, len(side), 256):
        part: Any = np.ascontiguousarray(side.images[start : start + 256], dtype=np.float32)
        digest.update(repr(part.shape).encode() + part.tobytes())
    return digest.hexdigest()


def _save(file: Path, array: NDArray[np.float64]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".part.npy")
    np.save(temporary, array)
    os.replace(temporary, file)
