"""Near-copy: an image that is too close to one of the generator's training images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.measures.features import Structure16
from synthmed.measures.neighbours import copies
from synthmed.measures.search import nearest
from synthmed.synthesis.filters.checks import Candidate, Verdict, kind_of
from synthmed.synthesis.filters.materials import Materials

LEAST_GROUPS = 4
"""Groups of other patients that a threshold needs."""


class NearCopy:
    """Rejects images that `synthmed.measures.neighbours.copies` calls copies.

    The features are the pixels at 16 x 16, freed of brightness and contrast. Each image type has
    its own thresholds, taken from real images of other patients; types with too few of these, or
    none, are judged together with thresholds of all types.

    Args:
        materials: `train` and `holdout` are needed.

    Raises:
        SynthmedError: Real images of fewer than four other groups.
        SafetyError: Images of other patients equal training images.
    """

    name = "near-copy"

    def __init__(self, materials: Materials) -> None:
        assert materials.train is not None
        assert materials.holdout is not None
        self.train, self.holdout = materials.train, materials.holdout
        groups = len(set(self.holdout.groups.tolist()))
        if groups < LEAST_GROUPS:
            raise SynthmedError(
                f"'near-copy' needs real images of {LEAST_GROUPS} groups that the generator never "
                f"saw, there are {groups}",
                where="--train",
                mend="Give validation rows in --train, or --real.",
            )
        self.models: list[dict[str, str]] = []
        self.thresholds: dict[str, Any] = {"features": Structure16.id, "distance": {}}
        self._features = [_features(part.frames()) for part in (self.train, self.holdout)]
        self._kinds = [part.kinds for part in (self.train, self.holdout)]

    def measure(self, candidates: Sequence[Candidate]) -> npt.NDArray[Any]:
        """(B, 256) features."""
        return _features(np.stack([c.frame for c in candidates]))

    def judge(
        self, rows: Sequence[Row], measured: npt.NDArray[Any], alive: npt.NDArray[np.bool_]
    ) -> list[Verdict | None]:
        """Reject copies, type by type."""
        verdicts: list[Verdict | None] = [None] * len(rows)
        kinds = np.asarray([self._judged_as(kind_of(row)) for row in rows], dtype=np.str_)
        for kind in sorted(set(kinds[alive].tolist())):
            chosen = np.flatnonzero(alive & (kinds == kind))
            self._judge_kind(kind, chosen, measured, verdicts)
        return verdicts

    def _judged_as(self, kind: str) -> str:
        """The type itself, or "" (all types) where it has too few real images."""
        train, holdout = (kinds == kind for kinds in self._kinds)
        groups = len(set(self.holdout.groups[holdout].tolist()))
        return kind if train.any() and groups >= LEAST_GROUPS else ""

    def _judge_kind(
        self,
        kind: str,
        chosen: npt.NDArray[Any],
        measured: npt.NDArray[Any],
        verdicts: list[Verdict | None],
    ) -> None:
        train, holdout = (np.flatnonzero((kinds == kind) | (kind == "")) for kinds in self._kinds)
        there = self._features[0][train]
        found = copies(
            measured[chosen],
            there,
            self._features[1][holdout],
            self.holdout.groups[holdout].tolist(),
        )
        self.thresholds["distance"][kind or "all types"] = found.threshold
        distances, _ = nearest(measured[chosen], there, k=1)
        for index, match in zip(found.indices, found.matches, strict=True):
            distance = float(distances[index, 0])
            source = pseudonym(self.train.rows[int(train[match])])
            said = f"distance {distance:.3g} from training image {source}, below "
            said += f"{found.threshold:.3g}"
            verdicts[int(chosen[index])] = Verdict(distance, found.threshold, said)


def pseudonym(row: Row) -> str:
    """Name a real image by the hash of its file, so that a list of copies names no patient."""
    return f"sha256:{hashlib.sha256(row.file.read_bytes()).hexdigest()[:12]}"


def _features(frames: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    return Structure16()(frames) if len(frames) else np.zeros((0, 256))
