"""Whether the attributes stayed that an edit should not touch, and how far numbers moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmed.measures.arrays import Array
from synthmed.measures.edits.estimates import Estimate, as_scores, bad_judge, mean_over_patients


@dataclass(frozen=True)
class Kept:
    """How often an attribute stayed that an edit should not touch.

    Attributes:
        rate: Share of edits with the same answer of the judge as their source; None if not
            measurable.
        ceiling: The same share of reconstructions.
        change: Mean absolute change of the score.
        not_measurable: Why there is no rate, else None.
    """

    rate: Estimate | None
    ceiling: Estimate | None
    change: Estimate | None
    not_measurable: str | None = None


@dataclass(frozen=True)
class Shift:
    """How far a number such as the age moved.

    Attributes:
        mean: Mean change, in the number's unit; None if not measurable.
        absolute: Mean absolute change.
        error: Mean absolute difference from what was asked for; None where nothing was.
        not_measurable: Why there is no mean, else None.
    """

    mean: Estimate | None
    absolute: Estimate | None
    error: Estimate | None
    not_measurable: str | None = None


def nuisance_kept(
    source: Any,
    edited: Any,
    groups: Sequence[object],
    *,
    judge_auroc: float,
    threshold: float = 0.5,
    reconstructed: Any = None,
    bootstraps: int = 1000,
    seed: int = 0,
) -> Kept:
    """How often an attribute stayed that the edit should leave alone.

    Args:
        source: (N,) scores of the sources for the attribute.
        edited: (N,) scores of the edits.
        groups: Patient of each source.
        judge_auroc: The judge's AUROC on real held-out patients.
        threshold: Between the judge's two answers.
        reconstructed: (N,) scores of the sources after encoding and decoding without a change.
        bootstraps: Draws of the bootstrap over patients.
        seed: Seeds the draws.

    Returns:
        The share that stayed. An edit that changes nothing has the share 1.

    Raises:
        SynthmedError: Scores that do not fit, or a single patient.
    """
    before = as_scores(source, name="scores of sources")
    after = as_scores(edited, len(before), "scores of edits")
    if reason := bad_judge(judge_auroc):
        return Kept(None, None, None, reason)
    settings: dict[str, Any] = {"bootstraps": bootstraps, "seed": seed}

    def same(scores: Array) -> Estimate:
        stayed = (scores >= threshold) == (before >= threshold)
        return mean_over_patients(stayed, groups, **settings)

    ceiling = None
    if reconstructed is not None:
        ceiling = same(as_scores(reconstructed, len(before), "scores of reconstructions"))
    return Kept(
        same(after), ceiling, mean_over_patients(np.abs(after - before), groups, **settings)
    )


def number_shift(
    source: Any,
    edited: Any,
    groups: Sequence[object],
    *,
    judge_correlation: float,
    asked: Any = None,
    bootstraps: int = 1000,
    seed: int = 0,
) -> Shift:
    """How far an estimated number, such as the age, moved.

    Args:
        source: (N,) estimates for the sources, in the number's unit.
        edited: (N,) estimates for the edits.
        groups: Patient of each source.
        judge_correlation: The judge's Pearson correlation on real held-out patients.
        asked: (N,) what the edits were asked to show; None for an attribute to be left alone.
        bootstraps: Draws of the bootstrap over patients.
        seed: Seeds the draws.

    Returns:
        Mean change, mean absolute change and, with ``asked``, the mean absolute error.

    Raises:
        SynthmedError: Numbers that do not fit, or a single patient.
    """
    before = as_scores(source, name="estimates of sources")
    after = as_scores(edited, len(before), "estimates of edits")
    if reason := bad_judge(judge_correlation, "correlation"):
        return Shift(None, None, None, reason)
    settings: dict[str, Any] = {"bootstraps": bootstraps, "seed": seed}
    error = None
    if asked is not None:
        wanted = as_scores(asked, len(before), "asked numbers")
        error = mean_over_patients(np.abs(after - wanted), groups, **settings)
    return Shift(
        mean_over_patients(after - before, groups, **settings),
        mean_over_patients(np.abs(after - before), groups, **settings),
        error,
    )
