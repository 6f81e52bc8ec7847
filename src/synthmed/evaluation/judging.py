"""Judge one concept on both sides: the ceiling on real images, the score of synthetic ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.concept_judges import JudgeKind
from synthmed.evaluation.concepts_judged import Question
from synthmed.evaluation.context import Settings
from synthmed.evaluation.judged_comparison import Groups, Scored, Scores, area, compared
from synthmed.measures.cross_fitting import cross_fit, select

FOLDS = 5
REACHED = 0.80
"""AUROC on real held-out patients below which a judge does not count."""

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """The rows of one image type, or of all, with their features.

    Attributes:
        real: Numbers of the real rows, rising.
        synthetic: Numbers of the synthetic rows, rising.
        features: By judge: features of these real rows, and of these synthetic rows.
    """

    real: Index
    synthetic: Index
    features: Mapping[str, tuple[dict[str, Any], dict[str, Any]]]


@dataclass(frozen=True)
class Judged:
    """A judged concept.

    Attributes:
        question: The concept.
        entry: What stands in the report.
        judges: The judges that count.
        rows: Numbers of the real and of the synthetic rows whose answer is known.
        real: Truth, scores (n, judges that count) and groups of these real rows.
        synthetic: The same of the synthetic rows.
    """

    question: Question
    entry: dict[str, Any]
    judges: tuple[JudgeKind, ...]
    rows: tuple[Index, Index]
    real: Scored
    synthetic: Scored


def judge(
    question: Question,
    part: Part,
    judges: Sequence[JudgeKind],
    groups: tuple[Groups, Groups],
    settings: Settings,
) -> Judged:
    """Judge a concept by all judges.

    Real images are scored by judges that were fitted without their patient (5 folds), synthetic
    ones by the mean of the folds' judges. A judge counts where its AUROC on real images is at
    least .80; the figures are means over the judges that count. The control is the same
    synthetic images with their answers shuffled.

    Args:
        question: The concept.
        part: The rows that it is asked of.
        judges: The judges.
        groups: Groups of all real and of all synthetic rows.
        settings: Seed and draws.
    """
    rows = (
        part.real[question.real[part.real] >= 0],
        part.synthetic[question.synthetic[part.synthetic] >= 0],
    )
    truth = question.real[rows[0]], question.synthetic[rows[1]]
    names = groups[0][rows[0]], groups[1][rows[1]]
    by_judge: dict[str, dict[str, Any]] = {}
    counting, kept = [], []
    for kind in judges:
        try:
            scores = _scores(kind, part, rows, truth[0], names[0])
        except SynthmedError as error:
            by_judge[kind.name] = {"id": kind.id, "counts": False, "not_measurable": str(error)}
            continue
        real = area(truth[0], scores[0], names[0], settings, (len(rows[0]), 0), kind)
        made = area(truth[1], scores[1], names[1], settings, (0, len(rows[1])), kind)
        counts = real["value"] >= REACHED
        by_judge[kind.name] = {"id": kind.id, "counts": counts, "real": real, "synthetic": made}
        if counts:
            counting.append(kind)
            kept.append(scores)
    columns = [
        np.stack([scores[side] for scores in kept], axis=1) if kept else np.empty((0, 0))
        for side in (0, 1)
    ]
    sides = (truth[0], columns[0], names[0]), (truth[1], columns[1], names[1])
    entry = _entry(question, by_judge)
    if counting:
        entry |= compared(*sides, counting, settings)
    return Judged(question, entry, tuple(counting), rows, *sides)


def _scores(
    kind: JudgeKind, part: Part, rows: tuple[Index, Index], truth: Index, groups: Groups
) -> tuple[Scores, Scores]:
    """Scores of the real rows by judges without their patients, and of the synthetic rows."""
    real, made = part.features[kind.name]
    known = select(real, np.searchsorted(part.real, rows[0]))
    crossed = cross_fit(kind.fit, known, truth, groups.tolist(), FOLDS)
    asked = select(made, np.searchsorted(part.synthetic, rows[1]))
    return crossed.held_out(known), crossed.scores(asked)


def _entry(question: Question, by_judge: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What stands in the report before anything is compared: not measurable, and why."""
    reached = [each["real"]["value"] for each in by_judge.values() if "real" in each]
    entry = {
        "concept": question.name,
        "aspect": question.aspect,
        "answer": question.answer,
        "image_type": question.kind or None,
        "judges": by_judge,
        **dict.fromkeys(("real", "synthetic", "difference", "shuffled", "shuffled_difference")),
        "state": "grey",
    }
    if not any(each["counts"] for each in by_judge.values()):
        best = f"the best reaches {max(reached):.2f}" if reached else "none could be fitted"
        entry["not_measurable"] = (
            f"no judge reaches AUROC {REACHED:.2f} on real held-out patients: {best}"
        )
    return entry
