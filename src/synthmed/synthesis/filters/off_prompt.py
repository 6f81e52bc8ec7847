"""Off-prompt: an image that does not show what its row says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SynthmedError
from synthmed.measures.agreement import auroc
from synthmed.measures.small_cnn import weights_hash
from synthmed.synthesis.filters.checks import Candidate, Verdict, kind_of
from synthmed.synthesis.filters.materials import Materials, Part
from synthmed.synthesis.filters.scorer import TYPE_TASK, label_task

MEASURABLE = 0.8
"""AUROC that the scorer must reach on held-out real images before a task counts."""
TYPE_QUANTILE, LABEL_QUANTILE = 0.01, 0.05
HIGHEST = 0.5
"""No threshold lies above this probability."""
LEAST = 10
"""Held-out real images that a task needs on either side."""


class OffPrompt:
    """Rejects images in which a classifier of real images does not see the row's type or labels.

    A type, or a label within a type, is judged only where the classifier tells it on held-out
    real images (AUROC of at least .80). The threshold on its probability is the value that 1 %
    (labels: 5 %) of the held-out real images that have it fall below, and never above 1/2.

    Args:
        materials: `held_out` and a classifier are needed.

    Raises:
        SynthmedError: No classifier can be fitted, or it tells nothing on held-out images.
    """

    name = "off-prompt"

    def __init__(self, materials: Materials) -> None:
        classifier = materials.classifier
        assert materials.held_out is not None
        if classifier is None:
            raise SynthmedError(
                "'off-prompt' needs real images of two types, or labels that 20 have and 20 lack",
                where="--real",
            )
        self.classifier = classifier
        digest = weights_hash(classifier.network)
        self.models = [{"check": self.name, "id": classifier.id, "sha256": digest}]
        self.limits: dict[str, float] = {}
        held_out = _unseen(materials.held_out, set(classifier.groups), materials)
        self._calibrate(held_out)
        if not self.limits:
            raise SynthmedError(
                "the scorer tells no type and no label on held-out real images (AUROC below .80)",
                mend="Give more real images, a trained --scorer, or leave 'off-prompt' out.",
            )
        self.thresholds: dict[str, Any] = {"probability": dict(self.limits)}

    def _calibrate(self, part: Part) -> None:
        found = self.classifier.predict(part.frames())
        for task, classes in self.classifier.classes.items():
            if task == TYPE_TASK:
                for number, kind in enumerate(classes):
                    has = part.kinds == kind
                    self._limit(f"{TYPE_TASK}:{kind}", has, found[task][:, number], TYPE_QUANTILE)
            elif "|" in task and len(classes) == 2:
                kind, label = task.split("|", 1)
                here = part.kinds == kind
                has = np.asarray([label in row.labels for row in part.rows], dtype=np.bool_)
                self._limit(task, has[here], found[task][here, 1], LABEL_QUANTILE)

    def _limit(
        self,
        name: str,
        has: npt.NDArray[np.bool_],
        scores: npt.NDArray[Any],
        quantile: float,
    ) -> None:
        """Keep the threshold of a task that the classifier can tell."""
        if min(int(has.sum()), int((~has).sum())) < LEAST or auroc(has, scores) < MEASURABLE:
            return
        self.limits[name] = min(HIGHEST, float(np.quantile(scores[has], quantile)))

    def measure(self, candidates: Sequence[Candidate]) -> npt.NDArray[Any]:
        """(B, classes of all tasks) probabilities."""
        found = self.classifier.predict(np.stack([c.frame for c in candidates]))
        return np.concatenate([found[task] for task in self.classifier.classes], axis=1)

    def judge(
        self, rows: Sequence[Row], measured: npt.NDArray[Any], alive: npt.NDArray[np.bool_]
    ) -> list[Verdict | None]:
        """Reject an image whose type, or one of whose labels, is less likely than the limit."""
        columns = self._columns()
        return [
            self._verdict(row, numbers, columns) if here else None
            for row, numbers, here in zip(rows, measured, alive, strict=True)
        ]

    def _columns(self) -> dict[str, int]:
        """Column of each limit's probability."""
        columns, start = {}, 0
        for task, classes in self.classifier.classes.items():
            if task == TYPE_TASK:
                columns.update({f"{TYPE_TASK}:{c}": start + i for i, c in enumerate(classes)})
            else:
                columns[task] = start + 1
            start += len(classes)
        return columns

    def _verdict(
        self, row: Row, numbers: npt.NDArray[Any], columns: dict[str, int]
    ) -> Verdict | None:
        kind = kind_of(row)
        asked = [(f"{TYPE_TASK}:{kind}", kind or "untyped")]
        asked += [(label_task(kind, label), label) for label in row.labels]
        for name, words in asked:
            if name in self.limits and numbers[columns[name]] < self.limits[name]:
                score, limit = float(numbers[columns[name]]), self.limits[name]
                said = f"probability {score:.3f} of {words!r}, below {limit:.3f}"
                return Verdict(score, limit, said)
        return None


def _unseen(part: Part, seen: set[str], materials: Materials) -> Part:
    """Leave out what the classifier was trained on."""
    fresh = np.asarray([group_hashes([row])[0] not in seen for row in part.rows], dtype=np.bool_)
    if fresh.all():
        return part
    materials.warn(f"the scorer was trained on {int((~fresh).sum())} of the held-out real images")
    if not fresh.any():
        raise SynthmedError(
            "the scorer was trained on all held-out real images",
            where="--scorer",
            mend="Give real images of other patients by --real.",
        )
    rows = tuple(row for row, keep in zip(part.rows, fresh, strict=True) if keep)
    return Part(rows, part.levels[fresh])
