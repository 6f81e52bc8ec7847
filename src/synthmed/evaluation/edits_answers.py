"""Judges' answers before and after an edit: how often findings are lost or invented, and a verdict.

The AUROC alone does not see an edit that adds the same to every score: with the finding painted
into every image, or wiped from all, the order of the scores stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Settings
from synthmed.evaluation.judged_comparison import state_of
from synthmed.evaluation.sections import State
from synthmed.measures.edits.estimates import mean_over_patients
from synthmed.measures.intervals import wilson

FEWEST_GROUPS = 4
"""Patients that a share, and an answer within one domain, need."""
MOST_CHANGED = 0.2
"""Share of lost, and of invented, findings up to which they count as kept."""
SHARES = ("lost", "invented")
Data = dict[str, Any]


def answers(truth: Any, before: Any, after: Any, groups: Any, settings: Settings) -> Data:
    """Count how often judges' answers stay, and how often a finding is lost or invented.

    A share of 0 or 1 has no bootstrap interval that says anything: with such shares the ends are
    Wilson's, over patients.

    Args:
        truth: (n,) whether each source bears the label.
        before: (n, judges) answers on the sources.
        after: (n, judges) answers on the edits.
        groups: (n,) patients.
        settings: Seed and draws.

    Returns:
        `agreement`, `lost` (of the sources that bear the label and are judged so), `invented` (of
        those that do neither): each `value`, `low`, `high`, `n`, or None for under four patients.
    """
    parts = {
        "agreement": np.ones_like(before),
        "lost": before & (truth[:, None] == 1),
        "invented": ~before & (truth[:, None] == 0),
    }
    return {
        name: _share(counts, (before == after) == (name == "agreement"), groups, settings)
        for name, counts in parts.items()
    }


def _share(counts: Any, hit: Any, groups: Any, settings: Settings) -> Data | None:
    weight = counts.sum(axis=1)
    share = np.where(weight > 0, (hit & counts).sum(axis=1) / np.maximum(weight, 1), np.nan)
    known = np.isfinite(share)
    patients = len(set(groups[known].tolist()))
    if patients < FEWEST_GROUPS:
        return None
    mean = mean_over_patients(share, groups, bootstraps=settings.bootstraps, seed=settings.seed)
    low, high = mean.low, mean.high
    if mean.value in (0, 1):
        low, high = wilson(round(mean.value * patients), patients)
    return {"value": mean.value, "low": low, "high": high, "n": mean.n}


def decided(difference: Mapping[str, Any] | None, shares: Mapping[str, Any]) -> tuple[State, str]:
    """Give the verdict on a finding, and what it rests on.

    Red: a share of lost or invented findings begins above 0.2, or the AUROC's difference ends below
    its margin. Green: the difference lies above its margin, and both shares end at 0.2 or below.
    Amber: otherwise. Grey: no difference.

    Args:
        difference: AUROC on edits minus on sources.
        shares: `lost` and `invented`, None where not measured.

    Returns:
        The state, and "lost", "invented" or "difference".
    """
    by_auroc = state_of(difference)
    if by_auroc == "grey":
        return "grey", "difference"
    ends = {name: shares[name]["high"] if shares[name] else 1.0 for name in SHARES}
    starts = {name: shares[name]["low"] if shares[name] else 0.0 for name in SHARES}
    worst = max(SHARES, key=lambda name: (starts[name], ends[name]))
    if starts[worst] > MOST_CHANGED:
        return "red", worst
    if by_auroc == "red":
        return "red", "difference"
    worst = max(SHARES, key=lambda name: ends[name])
    if ends[worst] > MOST_CHANGED:
        return "amber", worst
    return ("amber", "difference") if by_auroc == "amber" else ("green", worst)


def limit_of(truth: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> float:
    """Give the score between a judge's two answers: best balanced accuracy.

    Args:
        truth: (n,) 1 or 0; both occur.
        scores: (n,) of held-out real images.
    """
    order = np.sort(scores)
    limits = (order[1:] + order[:-1]) / 2
    above = scores[:, None] > limits
    balanced = above[truth == 1].mean(axis=0) - above[truth == 0].mean(axis=0)
    return float(limits[int(balanced.argmax())])
