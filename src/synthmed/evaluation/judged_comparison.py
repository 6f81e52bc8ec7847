"""How well judges recognise a concept on real and on synthetic images, and the difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.concept_judges import JudgeKind
from synthmed.evaluation.context import Settings
from synthmed.evaluation.judged_estimates import (
    Estimate,
    ends_over_groups,
    estimate,
    shuffled_answers,
)
from synthmed.measures.agreement import auroc

MARGIN = 0.05
"""Loss of AUROC against real images that still counts as none."""

Groups = npt.NDArray[np.str_]
Scores = npt.NDArray[np.float64]
Scored = tuple[npt.NDArray[np.int64], Scores, Groups]
"""Truth (n,), scores (n, judges), groups (n,)."""


def compared(
    real: Scored, synthetic: Scored, judges: Sequence[JudgeKind], settings: Settings
) -> dict[str, Any]:
    """Compare a concept on both sides, with the control of shuffled answers.

    Returns:
        "real", "synthetic", "difference" (synthetic - real), "shuffled", "shuffled_difference":
        AUROC or differences, each the mean over the judges; "state" and "control_flagged".
    """
    ids = " + ".join(j.id for j in judges), " + ".join(j.preprocessing for j in judges)
    counts = len(real[0]), len(synthetic[0])
    wrong = shuffled_answers(
        synthetic[0], lambda truth: mean_area(truth, synthetic[1]), settings.seed
    )
    found: dict[str, Any] = {}
    for name, (truth, scores, groups), n in (
        ("real", real, (counts[0], 0)),
        ("synthetic", synthetic, (0, counts[1])),
        ("shuffled", (wrong, *synthetic[1:]), (0, counts[1])),
    ):
        ends = ends_over_groups(mean_area, [truth, scores], groups, settings)
        found[name] = estimate(mean_area(truth, scores), ends, n, ids)
    for name, truth in (("difference", synthetic[0]), ("shuffled_difference", wrong)):
        found[name] = difference(real, (truth, *synthetic[1:]), ids, settings)
    found["control_flagged"] = state_of(found["shuffled_difference"]) == "red"
    found["state"] = state_of(found["difference"])
    if found["state"] == "green" and not found["control_flagged"]:
        found["state"] = "amber"  # the test has no power to see a loss
    return found


def difference(
    real: Scored, synthetic: Scored, ids: tuple[str, str], settings: Settings
) -> Estimate:
    """AUROC of the second minus that of the first; groups of both are resampled together."""
    truth, scores = (np.concatenate([a, b]) for a, b in zip(real[:2], synthetic[:2], strict=True))
    side = np.repeat([0, 1], [len(real[0]), len(synthetic[0])])
    groups = np.concatenate([real[2], synthetic[2]])

    def statistic(y: Any, s: Any, where: Any) -> float:
        return mean_area(y[where == 1], s[where == 1]) - mean_area(y[where == 0], s[where == 0])

    ends = ends_over_groups(statistic, [truth, scores, side], groups, settings)
    counts = len(real[0]), len(synthetic[0])
    return estimate(statistic(truth, scores, side), ends, counts, ids)


def mean_area(truth: Any, scores: Any) -> float:
    """Mean over judges of the AUROC of scores (n, judges)."""
    if len(truth) == 0:
        return float("nan")
    return float(np.mean([auroc(truth, column) for column in np.asarray(scores).T]))


def state_of(number: Mapping[str, Any] | None, margin: float = MARGIN) -> str:
    """Whether a difference to real images is none ("green"), a loss ("red"), or open ("amber")."""
    if number is None or number["low"] is None:
        return "grey"
    if number["low"] > -margin:
        return "green"
    return "red" if number["high"] < -margin else "amber"


def area(
    truth: npt.NDArray[np.int64],
    scores: Scores,
    groups: Groups,
    settings: Settings,
    counts: tuple[int, int],
    kind: JudgeKind,
) -> Estimate:
    """AUROC of one judge, with its interval over groups."""
    ends = ends_over_groups(auroc, [truth, scores], groups, settings)
    return estimate(auroc(truth, scores), ends, counts, (kind.id, kind.preprocessing))
