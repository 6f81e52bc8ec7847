"""Whether the attribute that an edit should change did change, and the others did not.

The scores come from any judge: a classifier trained on real images of other patients. A judge
counts only where it reaches an AUROC of .80 on real held-out patients (for a number such as
age: a correlation of .5); else its answer is "not measurable", not a rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.edits.estimates import (
    Estimate,
    as_scores,
    bad_judge,
    mean_over_patients,
    where_counted,
)


@dataclass(frozen=True)
class Flips:
    """How often the target attribute changed.

    Attributes:
        rate: Share of the edits that the judge takes for the target, among sources that it did
            not take for it; None if not measurable.
        floor: The same share of reconstructions, which were encoded and decoded without a
            change: what the method does anyway.
        ceiling: Share of real images of the target that the judge takes for it: more cannot
            be asked for.
        shift: Mean change of the score.
        already: Sources left out because the judge took them for the target before the edit.
        not_measurable: Why there is no rate, else None.
    """

    rate: Estimate | None
    floor: Estimate | None
    ceiling: Estimate | None
    shift: Estimate | None
    already: int
    not_measurable: str | None = None


def flip_rate(
    source: Any,
    edited: Any,
    groups: Sequence[object],
    *,
    judge_auroc: float,
    threshold: float = 0.5,
    reconstructed: Any = None,
    target: Any = None,
    target_groups: Sequence[object] | None = None,
    bootstraps: int = 1000,
    seed: int = 0,
) -> Flips:
    """How often an edit changed the attribute that it should change, between two controls.

    Args:
        source: (N,) scores of the sources, high for the target.
        edited: (N,) scores of the edits.
        groups: Patient of each source.
        judge_auroc: The judge's AUROC on real held-out patients.
        threshold: The judge takes an image for the target from this score on.
        reconstructed: (N,) scores of the sources after encoding and decoding without a change.
        target: (M,) scores of real images that show the target.
        target_groups: Patient of each of them; without it each is its own.
        bootstraps: Draws of the bootstrap over patients.
        seed: Seeds the draws.

    Returns:
        The rate with its controls. An edit that changes nothing has the rate 0.

    Raises:
        SynthmedError: Scores that do not fit, or no source of two patients to flip.
    """
    before = as_scores(source, name="scores of sources")
    after = as_scores(edited, len(before), "scores of edits")
    open_ = before < threshold
    if reason := bad_judge(judge_auroc):
        return Flips(None, None, None, None, int((~open_).sum()), reason)
    if not open_.any():
        raise SynthmedError("the judge takes every source for the target: nothing to flip")
    settings: dict[str, Any] = {"bootstraps": bootstraps, "seed": seed}

    def flipped(scores: Array) -> Estimate:
        return mean_over_patients(where_counted(open_, scores >= threshold), groups, **settings)

    floor = ceiling = None
    if reconstructed is not None:
        floor = flipped(as_scores(reconstructed, len(before), "scores of reconstructions"))
    if target is not None:
        real = as_scores(target, name="scores of real targets")
        owners = target_groups if target_groups is not None else range(len(real))
        ceiling = mean_over_patients(real >= threshold, owners, **settings)
    shift = mean_over_patients(where_counted(open_, after - before), groups, **settings)
    return Flips(flipped(after), floor, ceiling, shift, int((~open_).sum()))
