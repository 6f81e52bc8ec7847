"""Copies planted on purpose, and how many of them the detector finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import as_unit_images
from synthmed.measures.copies.audit import audit
from synthmed.measures.copies.detector import CopyDetector
from synthmed.measures.copies.kinds import INSTEAD_OF_CODEC, PLANTED, USUAL_KINDS, Planter
from synthmed.measures.copies.prepare import Float32
from synthmed.measures.copies.search import Index
from synthmed.measures.copies.symmetries import USUAL
from synthmed.measures.intervals import wilson

__all__ = ["PLANTED", "Planted", "Planter", "SelfTest", "plant", "self_test"]

Through = Callable[[Any], Any]
"""Images (N, C, S, S) in [-1, 1] to images of the same shape, or to features (N, D)."""


@dataclass(frozen=True)
class Planted:
    """Planted copies.

    Attributes:
        images: (N, C, S, S) in [-1, 1].
        kinds: (N,) names in ``PLANTED``.
        train_rows: (N,) the training rows that they copy.
    """

    images: Float32
    kinds: tuple[str, ...]
    train_rows: Index


def plant(
    train: Any,
    others: Any,
    *,
    kinds: Sequence[str] | None = None,
    per_kind: int = 8,
    seed: int = 0,
    through_codec: Through | None = None,
) -> Planted:
    """Plants copies of training images.

    Args:
        train: (T, C, S, S) training images in [-1, 1].
        others: (M, C, S, S) images of other patients, which halves are pasted into.
        kinds: Names in ``PLANTED``; by default the first eight, with "coarse with noise" in the
            place of "codec" where there is no codec.
        per_kind: Copies of each kind; fewer where there are fewer training images.
        seed: Seeds the choice of images and every change; a kind's copies do not depend on the
            other kinds.
        through_codec: Sends images through the generator's codec.

    Returns:
        The copies, kind by kind.

    Raises:
        SynthmedError: An unknown kind, "codec" without a codec, or sets of different shapes.
    """
    known, strangers = np.asarray(train), np.asarray(others)
    names = _chosen(kinds, through_codec)
    if known.shape[1:] != strangers.shape[1:]:
        raise SynthmedError(f"images of shapes {known.shape[1:]} and {strangers.shape[1:]}")
    if per_kind < 1:
        raise SynthmedError(f"{per_kind} copies of each kind", mend="Plant at least one")
    parts, rows = [], []
    for name in names:
        rng = np.random.default_rng([seed, *name.encode()])
        chosen = rng.permutation(len(known))[:per_kind]
        pasted = strangers[rng.permutation(len(strangers))[:per_kind]]
        sources, pasted = as_unit_images(known[chosen]), as_unit_images(pasted)
        if name == "codec" and through_codec is not None:
            made = np.asarray(through_codec(sources.astype(np.float32)), np.float64)
        else:
            made = PLANTED[name](sources, pasted, rng)
        parts.append(np.clip(made, -1.0, 1.0).astype(np.float32))
        rows.append(chosen)
    labels = [name for name, own in zip(names, rows, strict=True) for _ in own]
    return Planted(np.concatenate(parts), tuple(labels), np.concatenate(rows))


@dataclass(frozen=True)
class SelfTest:
    """How many planted copies were found.

    Attributes:
        found: Copies that were called copies and traced to the image that they copy, or to
            another image of the same patient.
        planted: Copies planted.
        by_kind: For each kind "found", "planted", "low" and "high" (95 % Wilson interval of the
            share found) and "inside_search".
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
        kinds: As for `plant`.
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
    planted = plant(
        train, others, kinds=kinds, per_kind=per_kind, seed=seed, through_codec=through_codec
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
    return _counted(planted, _traced(planted, detector, features))


def _traced(planted: Planted, detector: CopyDetector, features: Any) -> NDArray[np.bool_]:
    """(N,) copies that were called copies of the right patient."""
    result = audit(detector, planted.images, features=features)
    groups = detector.known.groups
    right = groups[result.matches] == groups[planted.train_rows]
    return np.asarray((result.scores > result.threshold) & right)


def _counted(planted: Planted, found: NDArray[np.bool_]) -> SelfTest:
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
            "inside_search": PLANTED[name].inside_search,
        }
    return SelfTest(int(found.sum()), len(found), by_kind)


def _chosen(kinds: Sequence[str] | None, through_codec: Through | None) -> list[str]:
    if kinds is None:
        absent = through_codec is None
        return [INSTEAD_OF_CODEC if k == "codec" and absent else k for k in USUAL_KINDS]
    if unknown := [name for name in kinds if name not in PLANTED]:
        raise SynthmedError(
            f"unknown kind of copy {unknown[0]!r}", mend=f"Known: {', '.join(PLANTED)}"
        )
    if not kinds:
        raise SynthmedError("no kind of copy to plant", mend=f"Known: {', '.join(PLANTED)}")
    return list(kinds)
