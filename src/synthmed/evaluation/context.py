"""What every section of an evaluation works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.sides import Side
from synthmed.synthesis.filters.record import check_judge


@dataclass(frozen=True)
class Features:
    """Features of a side's images.

    Attributes:
        values: (N, D) float32.
        id: Id of the extractor, with version and weight hash.
        preprocessing: What it does to images first.
    """

    values: npt.NDArray[np.float32]
    id: str
    preprocessing: str


@dataclass(frozen=True)
class Settings:
    """What an evaluation was asked for.

    Attributes:
        extractor: Spec of the features that distances are measured in (`load_extractor`).
        seed: Seeds all draws.
        generator: Folder or bundled name of the generator, for the membership test.
        text_model: Image-text model (folder or hub id), for CLIP score and retrieval.
        utility_label: What classifiers are trained to tell: a column; None leaves utility out.
        utility_classifier: Spec of the trained network (`make_classifier`).
        utility_steps: Optimiser steps of each classifier.
        utility_batch_size: Images a step.
        utility_seeds: Seeds of training, each once.
        utility_device: Where classifiers are trained: "auto", "cpu", "cuda", ...
        with_real_images: Write the private report, too.
        blocks: Blocks of the jackknife.
        bootstraps: Draws of the bootstrap.
    """

    extractor: str = "medical-64"
    seed: int = 0
    generator: str | None = None
    text_model: str | None = None
    utility_label: str | None = None
    utility_classifier: str = "small-cnn"
    utility_steps: int = 400
    utility_batch_size: int = 32
    utility_seeds: tuple[int, ...] = (0, 1, 2)
    utility_device: str = "auto"
    with_real_images: bool = False
    blocks: int = 20
    bootstraps: int = 1000


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass
class Context:
    """The compared sides, and what sections share.

    Attributes:
        real: Real images; none of them was seen by the generator, or a warning says so.
        synthetic: Synthetic images.
        train: The generator's training images; None where they were not given.
        holdout: The real images of no patient of `train`; None without `train`.
        settings: What was asked for.
        extract: Gives the features of a side by the extractor's spec, cached.
        progress: Told what is being done.
        warnings: What concerns the whole report.
        every: All usable synthetic images, those of types that no real image has too; None where
            `synthetic` holds all. Copies are looked for among these.
        files: Under "real" and "synthetic" the number of files by kind, such as "8-bit grey PNG".
    """

    real: Side
    synthetic: Side
    train: Side | None
    holdout: Side | None
    settings: Settings
    extract: Callable[[Side, str], Features]
    progress: Callable[[str], None] = _silent
    warnings: list[str] = field(default_factory=list)
    every: Side | None = None
    files: dict[str, dict[str, int]] = field(default_factory=dict)

    def features(self, side: Side, extractor: str | None = None) -> Features:
        """Give the features of a side.

        Args:
            side: One of the sides, or a part of one.
            extractor: Its spec; None takes the settings'.

        Raises:
            SynthmedError: The extractor is unknown, or not there.
            SafetyError: The synthetic set was filtered by this very model.
        """
        found = self.extract(side, extractor or self.settings.extractor)
        check_judge(self.synthetic.info, found.id)
        return found
