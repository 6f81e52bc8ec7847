"""Do synthetic patients look as old as their prompts say? Regressions learnt from real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.concept_judges import JudgeKind
from synthmed.evaluation.concepts_judged import FEWEST_GROUPS, FEWEST_REAL, FEWEST_SYNTHETIC
from synthmed.evaluation.context import Settings
from synthmed.evaluation.judged_comparison import Groups, state_of
from synthmed.evaluation.judged_estimates import ends_over_groups, estimate, shuffled_answers
from synthmed.evaluation.judging import FOLDS, Part
from synthmed.measures.cross_fitting import cross_fit, select
from synthmed.measures.regression import RidgeRegression, absolute_error, correlation

REACHED = 0.5
"""Correlation on real held-out patients below which a regression does not count."""
MARGIN = 0.1
"""Loss of correlation that still counts as none (a loss of .05 AUROC is .1 of Somers' D)."""

Ages = npt.NDArray[np.float64]


def judge_ages(
    kind: str,
    part: Part,
    ages: tuple[Ages, Ages],
    judges: Sequence[JudgeKind],
    groups: tuple[Groups, Groups],
    settings: Settings,
) -> dict[str, Any] | None:
    """Judge the ages of one image type.

    Real patients are judged by regressions that were fitted without them (5 folds), synthetic
    ones by the mean of the folds'. A regression counts where its correlation on real patients is
    at least .5; the prediction is the mean of those that count. The control are shuffled ages.

    Args:
        kind: The image type.
        part: Its rows, with features.
        ages: Of all real rows, and as stated of all synthetic rows, in years; NaN where unknown.
        judges: Their features are used; "kernel" stands for those without weights.
        groups: Groups of all real and of all synthetic rows.
        settings: Seed and draws.

    Returns:
        "real", "synthetic" and "shuffled", each with "error" (mean absolute, years) and
        "correlation"; "difference" of the correlations. None where nobody states ages.
    """
    pairs = zip((part.real, part.synthetic), ages, strict=True)
    rows = [side[np.isfinite(age[side])] for side, age in pairs]
    if not len(rows[1]):
        return None
    entry: dict[str, Any] = {
        "concept": f"{kind}, age",
        "image_type": kind,
        **dict.fromkeys(("real", "synthetic", "shuffled", "difference")),
        "state": "grey",
    }
    truth = ages[0][rows[0]], ages[1][rows[1]]
    names = groups[0][rows[0]], groups[1][rows[1]]
    if reason := _lacking(truth, len(set(names[0]))):
        entry["not_measurable"] = reason
        return entry
    predicted, counting, reached = _predictions(part, rows, truth[0], names[0], judges)
    entry["regressions"] = reached
    if not counting:
        best = max(reached.values(), default=0.0)
        entry["not_measurable"] = (
            f"no regression reaches correlation {REACHED} on real held-out patients (best "
            f"{best:.2f})"
        )
        return entry
    ids = (
        " + ".join(f"ridge on {judge.id.split(' on ')[-1]}" for judge in counting),
        " + ".join(judge.preprocessing for judge in counting),
    )
    return entry | _compared(truth, predicted, names, ids, settings)


def _lacking(truth: tuple[Ages, Ages], groups: int) -> str:
    """Why ages cannot be judged, or ""."""
    real, made = map(len, truth)
    if real < FEWEST_REAL or groups < FEWEST_GROUPS or made < FEWEST_SYNTHETIC:
        return f"{real} real images of {groups} groups and {made} synthetic images state an age"
    if min(age.std() for age in truth) == 0:
        return "all images state the same age"
    return ""


def _predictions(
    part: Part,
    rows: Sequence[npt.NDArray[np.int64]],
    truth: Ages,
    names: Groups,
    judges: Sequence[JudgeKind],
) -> tuple[tuple[Ages, Ages], list[JudgeKind], dict[str, float]]:
    """Mean predictions of the regressions that count, those, and all correlations."""
    kept: list[tuple[Ages, Ages]] = []
    counting, reached = [], {}
    for judge in judges:
        real, made = part.features[judge.name]
        known = select(real, np.searchsorted(part.real, rows[0]))
        crossed = cross_fit(RidgeRegression.fit, known, truth, names.tolist(), FOLDS)
        own = crossed.held_out(known)
        reached[judge.name] = round(float(np.nan_to_num(correlation(own, truth))), 6)
        if reached[judge.name] >= REACHED:
            counting.append(judge)
            asked = select(made, np.searchsorted(part.synthetic, rows[1]))
            kept.append((own, crossed.scores(asked)))
    if not kept:
        return (truth, truth), [], reached
    means = [np.asarray(np.mean([pair[i] for pair in kept], axis=0)) for i in (0, 1)]
    return (means[0], means[1]), counting, reached


def _compared(
    truth: tuple[Ages, Ages],
    predicted: tuple[Ages, Ages],
    names: tuple[Groups, Groups],
    ids: tuple[str, str],
    settings: Settings,
) -> dict[str, Any]:
    wrong = shuffled_answers(
        truth[1], lambda age: float(np.nan_to_num(correlation(age, predicted[1]))), settings.seed
    )
    counts = len(truth[0]), len(truth[1])
    found: dict[str, Any] = {}
    for side, age, guess, group, n in (
        ("real", truth[0], predicted[0], names[0], (counts[0], 0)),
        ("synthetic", truth[1], predicted[1], names[1], (0, counts[1])),
        ("shuffled", wrong, predicted[1], names[1], (0, counts[1])),
    ):
        found[side] = {
            name: estimate(
                np.nan_to_num(statistic(age, guess)),
                ends_over_groups(statistic, [age, guess], group, settings),
                n,
                ids,
            )
            for name, statistic in (("error", absolute_error), ("correlation", correlation))
        }
    where = np.repeat([0, 1], counts)
    every, group = np.concatenate(predicted), np.concatenate(names)

    def lost(age: Any, guess: Any, side: Any) -> float:
        parts = [correlation(age[side == i], guess[side == i]) for i in (0, 1)]
        return parts[1] - parts[0]

    for name, made in (("difference", truth[1]), ("shuffled_difference", wrong)):
        columns = [np.concatenate([truth[0], made]), every, where]
        ends = ends_over_groups(lost, columns, group, settings)
        found[name] = estimate(np.nan_to_num(lost(*columns)), ends, counts, ids)
    found["control_flagged"] = state_of(found["shuffled_difference"], MARGIN) == "red"
    found["state"] = state_of(found["difference"], MARGIN)
    if found["state"] == "green" and not found["control_flagged"]:
        found["state"] = "amber"  # the test has no power to see a loss
    return found
