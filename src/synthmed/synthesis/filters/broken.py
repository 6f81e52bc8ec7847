"""Broken: an image that lies farther from the real ones than real images do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.measures.features import Statistics
from synthmed.measures.search import nearest
from synthmed.measures.small_cnn import weights_hash
from synthmed.synthesis.filters.checks import Candidate, Verdict, kind_of
from synthmed.synthesis.filters.materials import Materials, Part

QUANTILE = 0.99
"""Of the distances of held-out real images."""
SLACK = 1.5
"""An image is broken beyond so many times this quantile: a generator's own look is no fault."""
NEIGHBOUR = 3
LEAST_FIT, LEAST_HELD_OUT = 10, 10


class Broken:
    """Rejects images that lie far beyond where real images of their type lie.

    The distance is that to the third nearest real training image, in the scorer's features beside
    the classic image statistics, each feature scaled to the spread of the real images and each of
    the two sets weighing the same. The threshold of a type is 1.5 times the 99 % quantile of the
    same distance of held-out real images.

    Args:
        materials: `fit` and `held_out` are needed.

    Raises:
        SynthmedError: No type has enough real images.
    """

    name = "broken"

    def __init__(self, materials: Materials) -> None:
        assert materials.fit is not None
        assert materials.held_out is not None
        self.classifier = materials.classifier
        self.models: list[dict[str, str]] = []
        if self.classifier is not None:
            digest = weights_hash(self.classifier.network)
            self.models = [{"check": self.name, "id": self.classifier.id, "sha256": digest}]
        self.real: dict[str, npt.NDArray[Any]] = {}
        self.limits: dict[str, float] = {}
        self.warn = materials.warn
        self._calibrate(materials.fit, materials.held_out)
        self.thresholds: dict[str, Any] = {
            "distance": dict(self.limits),
            "quantile": QUANTILE,
            "slack": SLACK,
        }

    def _calibrate(self, fit: Part, held_out: Part) -> None:
        seen, other = self._raw(fit.frames()), self._raw(held_out.frames())
        self.centre = seen.mean(axis=0)
        self.spread = np.maximum(seen.std(axis=0), 1e-3) * self._weights()
        for kind in sorted(set(fit.kinds.tolist())):
            here, there = fit.kinds == kind, held_out.kinds == kind
            if here.sum() < LEAST_FIT or there.sum() < LEAST_HELD_OUT:
                continue
            self.real[kind] = self._scaled(seen[here])
            distance = self._distance(kind, self._scaled(other[there]))
            self.limits[kind] = SLACK * float(np.quantile(distance, QUANTILE))
        if not self.limits:
            raise SynthmedError(
                f"'broken' needs {LEAST_FIT} training and {LEAST_HELD_OUT} held-out real images "
                "of a type",
                where="--real",
            )

    def measure(self, candidates: Sequence[Candidate]) -> npt.NDArray[Any]:
        """(B, D) scaled features."""
        return self._scaled(self._raw(np.stack([c.frame for c in candidates])))

    def judge(
        self, rows: Sequence[Row], measured: npt.NDArray[Any], alive: npt.NDArray[np.bool_]
    ) -> list[Verdict | None]:
        """Reject what is farther from the real images of its type than the limit."""
        verdicts: list[Verdict | None] = [None] * len(rows)
        kinds = np.asarray([kind_of(row) for row in rows], dtype=np.str_)
        for kind in sorted(set(kinds[alive].tolist())):
            chosen = np.flatnonzero(alive & (kinds == kind))
            if kind not in self.limits:
                self.warn(f"'broken' does not judge {kind or 'untyped'} images: too few real")
                continue
            limit = self.limits[kind]
            for index, far in zip(chosen, self._distance(kind, measured[chosen]), strict=True):
                if far > limit:
                    said = f"{far:.3g} from the real images of its type, beyond {limit:.3g}"
                    verdicts[int(index)] = Verdict(float(far), limit, said)
        return verdicts

    def _raw(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        parts = []
        for start in range(0, len(frames), 256):
            batch = frames[start : start + 256]
            columns = [Statistics()(batch)]
            if self.classifier is not None:
                columns.append(self.classifier.features(batch))
            parts.append(np.concatenate(columns, axis=1))
        return np.concatenate(parts).astype(np.float32)

    def _weights(self) -> npt.NDArray[Any]:
        """Root of the width of each feature's set."""
        width = len(self.centre)
        classic = Statistics()(np.zeros((1, 3, 64, 64))).shape[1]
        return np.sqrt(np.repeat([classic, max(1, width - classic)], [classic, width - classic]))

    def _scaled(self, raw: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray((raw - self.centre) / self.spread)

    def _distance(self, kind: str, features: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(nearest(features, self.real[kind], k=NEIGHBOUR)[0][:, -1])
