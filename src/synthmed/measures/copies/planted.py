"""Copies planted on purpose, and how many of them the detector finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.measures.copies.audit import audit
from synthmed.measures.copies.detector import CopyDetector
from synthmed.measures.copies.kinds import PLANTED, Planter, self_test_kinds
from synthmed.measures.copies.planting import Planted, Through, plant
from synthmed.measures.copies.symmetries import USUAL
from synthmed.measures.intervals import wilson

__all__ = ["PLANTED", "Planted", "Planter", "SelfTest", "plant", "self_test"]


@dataclass(frozen=True)
class SelfTest:
    """How many planted copies were found.

    Attributes:
        found: Copies that were called copies and traced to the image that they copy, or to
            another image of the same patient.
        planted: Copies planted.
        by_kind: For each kind "found", "planted", "low" and "high" (95 % Wilson interval of the
            share found) and "inside_search": whether the detector, with the positions that it
            searches, looks for exactly this.
    """

    found: int
    planted: int
    by_kind: Mapping[str, Mapping[str, Any]]


def self_test(
    train: Any,
    others: Any,
    *,
    holdout_groups: Sequence[object] | None = None,
    train_groups: Sequence[object] | None = None,
    extract: Through | None = None,
    false_alarm: float = 0.01,
    symmetries: Sequence[str] = USUAL,
    kinds: Sequence[str] | None = None,
    per_kind: int = 8,
    through_codec: Through | None = None,
    detector: CopyDetector | None = None,
    seed: int = 0,
) -> SelfTest:
    """Plants copies of training images and counts how many the detector finds.

    Args:
        train: (T, C, S, S) training images in [-1, 1].
        others: (H, C, S, S) images of other patients: they calibrate, and halves are pasted in.
        holdout_groups: Patient of each of these; None takes each as its own.
        train_groups: Patient of each training image; None takes each as its own.
        extract: Features (N, D) of images; given, they add candidates as in `find_copies`.
        false_alarm: As for `find_copies`.
        symmetries: As for `find_copies`.
        kinds: Names in ``PLANTED``; by default those of ``kinds.self_test_kinds``, half of them
            outside the search.
        per_kind: As for `plant`.
        through_codec: As for `plant`.
        detector: One calibrated on the same images with the same settings, which saves the
            calibration.
        seed: Seeds the deal of patients and the copies.

    Returns:
        The counts, in all and by kind.

    Raises:
        SafetyError: As for `find_copies`.
        SynthmedError: As for `find_copies` and `plant`.
    """
    positions = symmetries if detector is None else detector.known.symmetries
    names = self_test_kinds(positions, through_codec is not None) if kinds is None else kinds
    planted = plant(
        train, others, kinds=names, per_kind=per_kind, seed=seed, through_codec=through_codec
    )
    if detector is None:
        detector = CopyDetector.fit(
            train,
            others,
            holdout_groups=holdout_groups,
            train_groups=train_groups,
            features=None if extract is None else (extract(train), extract(others)),
            symmetries=symmetries,
            false_alarm=false_alarm,
            seed=seed,
        )
    usable = extract is not None and detector.known.features is not None
    features = extract(planted.images) if extract is not None and usable else None
    return _counted(planted, _traced(planted, detector, features), detector.known.symmetries)


def _traced(planted: Planted, detector: CopyDetector, features: Any) -> NDArray[np.bool_]:
    """(N,) copies that were called copies of the right patient."""
    result = audit(detector, planted.images, features=features)
    groups = detector.known.groups
    right = groups[result.matches] == groups[planted.train_rows]
    return np.asarray((result.scores > result.threshold) & right)


def _counted(planted: Planted, found: NDArray[np.bool_], symmetries: Sequence[str]) -> SelfTest:
    kinds = np.asarray(planted.kinds)
    by_kind = {}
    for name in dict.fromkeys(planted.kinds):
        own = found[kinds == name]
        low, high = wilson(int(own.sum()), len(own))
        by_kind[name] = {
            "found": int(own.sum()),
            "planted": len(own),
            "low": low,
            "high": high,
            "inside_search": PLANTED[name].inside(symmetries),
        }
    return SelfTest(int(found.sum()), len(found), by_kind)
