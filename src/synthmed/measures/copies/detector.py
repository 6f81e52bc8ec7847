"""The detector: training images to search, and a threshold from images of other patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.copies import calibration, known, leaks, scores
from synthmed.measures.copies.known import Compared, Known
from synthmed.measures.copies.prepare import Float32, Prepared, prepare
from synthmed.measures.copies.scores import Closest
from synthmed.measures.copies.search import Index
from synthmed.measures.copies.symmetries import USUAL, check_symmetries

QUERIES = 8192
"""Images that are searched at a time."""
PROBES = 16
"""Training images that are looked for as exact copies: how far do copies stand out?"""
AS_COPIES = 0.5
"""A hold-out image that stands out this far, as a share of what exact copies do, looks like one."""


@dataclass(frozen=True)
class CopyDetector:
    """Finds copies of training images; see `fit`.

    Attributes:
        known: The training images.
        usual: (36,) how well strangers fit at each place.
        threshold: A score above it makes an image a copy.
        quantile: Share of images of other patients that the threshold lets through.
        holdout: What was found for the hold-out images that were used.
        used: Rows of these among the hold-out images that were given.
        suspects: (hold-out row, training row) of those that look like copies themselves; they have
            no part in the threshold.
        alarms: Hold-out images taken for copies, each judged by a rule from other patients;
            suspects are among them.
    """

    known: Known
    usual: Float32
    threshold: float
    quantile: float
    holdout: Closest
    used: Index
    suspects: tuple[tuple[int, int], ...]
    alarms: int

    @property
    def method(self) -> str:
        """Id of the method, with version and settings."""
        features = ", features given" if self.known.features is not None else ""
        return (
            f"local-match/2: {self.known.images.grey.shape[-1]} px, {known.CANDIDATES} candidates, "
            f"positions {' '.join(self.known.symmetries)}, also as negatives{features}"
        )

    @classmethod
    def fit(
        cls,
        train: Any,
        holdout: Any,
        *,
        holdout_groups: Sequence[object] | None,
        train_groups: Sequence[object] | None = None,
        features: tuple[Any, Any] | None = None,
        symmetries: Sequence[str] = USUAL,
        false_alarm: float = 0.01,
        seed: int = 0,
    ) -> CopyDetector:
        """Calibrates a detector.

        Args:
            train: (T, C, S, S) training images, floats in [-1, 1].
            holdout: (H, C, S, S) images of other patients.
            holdout_groups: Patient of each hold-out image; None takes each as its own.
            train_groups: Patient of each training image; None takes each as its own.
            features: (T, D) and (H, D) features of both, for candidates; or None.
            symmetries: Positions of the training images to search, "identity" first.
            false_alarm: Share of images of other patients that may be taken for copies.
            seed: Seeds the deal of patients and the probes.

        Returns:
            The detector.

        Raises:
            SafetyError: More than 10 % of the hold-out images equal training images, or look like
                copies of them: nothing can be calibrated.
            SynthmedError: Fewer than four patients on either side, other sizes, even images,
                features of other lengths, or a wrong symmetry or rate.
        """
        calibration.check_share(false_alarm)
        positions = check_symmetries(symmetries)
        images, others = prepare(train, "training"), prepare(holdout, "hold-out")
        known.same_shape(others, images, "hold-out")
        names = calibration.group_names(train_groups, len(images), "training")
        groups = calibration.group_names(holdout_groups, len(others), "hold-out")
        own = theirs = None
        if features is not None:
            own = known.checked_features(features[0], len(images), "training")
            theirs = known.checked_features(features[1], len(others), "hold-out", own)
        kept = leaks.different(others, images)
        groups = calibration.group_names(groups[kept].tolist(), int(kept.sum()), "hold-out")
        searched = Known.of(images, names, positions, own)
        compared = searched.compared(others.take(kept), None if theirs is None else theirs[kept])
        return _calibrated(searched, compared, groups, np.flatnonzero(kept), false_alarm, seed)

    def closest(self, images: Prepared, features: Array | None = None) -> Closest:
        """Nearest and second-nearest training image of each image, piece by piece.

        Args:
            images: Prepared images of the training images' shape.
            features: Their (N, D) features, if the detector has features.

        Raises:
            SynthmedError: Images of another shape.
        """
        known.same_shape(images, self.known.images, "synthetic")
        parts = []
        for start in range(0, len(images), QUERIES):
            rows = slice(start, start + QUERIES)
            table = None if features is None else features[rows]
            compared = self.known.compared(images.take(rows), table)
            parts.append(compared.closest(self.usual, self.known.groups))
        fields = ("score", "row", "second", "second_row")
        return Closest(*(np.concatenate([getattr(p, name) for p in parts]) for name in fields))


def _calibrated(
    searched: Known,
    compared: Compared,
    groups: NDArray[Any],
    used: Index,
    false_alarm: float,
    seed: int,
) -> CopyDetector:
    """The detector with its threshold, and its false alarms."""

    def closest(usable: NDArray[np.bool_]) -> tuple[Closest, Float32]:
        usual = scores.usual_fit(compared.blocks[usable], compared.shown[usable])
        return compared.closest(usual, searched.groups), usual

    found, usual = closest(np.ones(len(groups), dtype=np.bool_))
    suspect = found.score >= AS_COPIES * _copies_score(searched, usual, seed)
    suspects = [(int(used[i]), int(found.row[i])) for i in np.flatnonzero(suspect)]
    leaks.report_suspects(suspects, len(groups))
    threshold, quantile = calibration.threshold_of(found.score[~suspect], false_alarm)
    alarms = calibration.cross_fitted_alarms(
        lambda usable: closest(usable)[0].score, groups, ~suspect, false_alarm, seed
    )
    return CopyDetector(searched, usual, threshold, quantile, found, used, tuple(suspects), alarms)


def _copies_score(searched: Known, usual: Float32, seed: int) -> float:
    """How far exact copies stand out: the median of a few training images."""
    rows = np.random.default_rng(seed).permutation(len(searched.images))[:PROBES]
    features = None if searched.features is None else searched.features[rows]
    probes = searched.compared(searched.images.take(rows), features)
    score = float(np.median(probes.closest(usual, searched.groups).score))
    if score <= 0.0:
        raise SynthmedError(
            "training images cannot be told from each other", mend="Remove repeated images"
        )
    return score
