"""The audit of a set of synthetic images: which are copies of training images, and how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthmed.measures.arrays import Array
from synthmed.measures.copies.detector import CopyDetector
from synthmed.measures.copies.known import checked_features
from synthmed.measures.copies.prepare import prepare
from synthmed.measures.copies.scores import Closest
from synthmed.measures.copies.search import Index
from synthmed.measures.copies.symmetries import USUAL
from synthmed.measures.copies.views import NearestTwo, feature_neighbours
from synthmed.measures.intervals import wilson


@dataclass(frozen=True)
class CopyFinding:
    """One copy.

    Attributes:
        synthetic: Row of the synthetic image.
        train: Row of the training image that it copies.
        score: How far that training image stands out; higher is closer.
    """

    synthetic: int
    train: int
    score: float


@dataclass(frozen=True)
class CopyAudit:
    """What an audit found.

    Attributes:
        findings: The copies, closest first.
        scores: (N,) best score of every synthetic image.
        matches: (N,) its best training row.
        threshold: A copy scores above it.
        quantile: Share of images of other patients that the threshold lets through.
        rate: Share of copies among the synthetic images, with its 95 % Wilson interval.
        false_alarms: Share of hold-out images taken for copies, each judged by a rule from other
            patients, with its 95 % Wilson interval.
        n_holdout: Number of hold-out images that were used.
        n_train: Number of training images.
        n: Number of synthetic images.
        holdout_scores: (n_holdout,) scores of the hold-out images.
        method: Id of the method, with version and settings.
        views: Nearest and second-nearest training images by "pixels" and, where features were
            given, by "features".
        suspects: (hold-out row, training row) of hold-out images that look like copies of training
            images: duplicates, or the same patient twice. They have no part in the threshold and
            count as false alarms.
    """

    findings: tuple[CopyFinding, ...]
    scores: Array
    matches: Index
    threshold: float
    quantile: float
    rate: tuple[float, float, float]
    false_alarms: tuple[float, float, float]
    n_holdout: int
    n_train: int
    n: int
    holdout_scores: Array
    method: str
    views: Mapping[str, NearestTwo] = field(default_factory=dict)
    suspects: tuple[tuple[int, int], ...] = ()


def find_copies(
    synthetic: Any,
    train: Any,
    holdout: Any,
    *,
    holdout_groups: Sequence[object] | None,
    train_groups: Sequence[object] | None = None,
    features: tuple[Any, Any, Any] | None = None,
    false_alarm: float = 0.01,
    seed: int = 0,
    symmetries: Sequence[str] = USUAL,
) -> CopyAudit:
    """Looks for copies of training images among synthetic ones.

    Args:
        synthetic: (N, C, S, S) images, floats in [-1, 1].
        train: (T, C, S, S) images that the generator was trained on.
        holdout: (H, C, S, S) real images of other patients.
        holdout_groups: Patient of each hold-out image; None takes each as its own.
        train_groups: Patient of each training image; None takes each as its own.
        features: (N, D), (T, D) and (H, D) features of the three sets, which add candidates and
            the view "features"; or None.
        false_alarm: Share of images of other patients that may be taken for copies.
        seed: Seeds the deal of patients.
        symmetries: Positions of the training images to search, see `SYMMETRIES`.

    Returns:
        Copies, scores, rates with intervals.

    Raises:
        SafetyError: More than 10 % of the hold-out images equal training images, or look like
            copies of them: nothing can be calibrated.
        SynthmedError: Fewer than four patients, other sizes, even images, other numbers of
            features.
    """
    own, theirs, held = features if features is not None else (None, None, None)
    detector = CopyDetector.fit(
        train,
        holdout,
        holdout_groups=holdout_groups,
        train_groups=train_groups,
        features=None if features is None else (theirs, held),
        symmetries=symmetries,
        false_alarm=false_alarm,
        seed=seed,
    )
    return audit(detector, synthetic, features=own)


def audit(
    detector: CopyDetector,
    synthetic: Any,
    *,
    features: Any = None,
) -> CopyAudit:
    """Looks for copies with a detector that was calibrated before.

    Args:
        detector: From `CopyDetector.fit`.
        synthetic: (N, C, S, S) images, floats in [-1, 1].
        features: Their (N, D) features, if the detector was given features.

    Returns:
        As `find_copies`.

    Raises:
        SynthmedError: Other sizes, even images, or another number of features.
    """
    images = prepare(synthetic, "synthetic")
    known = detector.known
    table = None
    if features is not None:
        table = checked_features(features, len(images), "synthetic", known.features)
    found = detector.closest(images, table)
    views = {"pixels": _pixel_view(found)}
    if table is not None and known.features is not None:
        views["features"] = feature_neighbours(table, known.features, known.groups.tolist())
    rows = np.flatnonzero(found.score > detector.threshold)
    rows = rows[np.argsort(-found.score[rows], kind="stable")]
    held = len(detector.holdout.score)
    return CopyAudit(
        tuple(CopyFinding(int(i), int(found.row[i]), float(found.score[i])) for i in rows),
        found.score,
        found.row,
        detector.threshold,
        detector.quantile,
        (len(rows) / len(images), *wilson(len(rows), len(images))),
        (detector.alarms / held, *wilson(detector.alarms, held)),
        held,
        len(known.images),
        len(images),
        detector.holdout.score,
        detector.method,
        views,
        detector.suspects,
    )


def _pixel_view(found: Closest) -> NearestTwo:
    values = np.stack([found.score, found.second], axis=1)
    return NearestTwo(values, np.stack([found.row, found.second_row], axis=1), high_is_close=True)
