"""Values with their 95 % intervals, as they stand in a results file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.measures.agreement import auroc
from synthmed.measures.intervals import bootstrap_groups, wilson
from synthmed.measures.metrics import measure

Estimate = dict[str, Any]
"""`value`, `low`, `high` (None where there is no interval), `n`, and further facts."""
Labels = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


def estimate(value: float, low: float, high: float, n: int, **more: Any) -> Estimate:
    """Put a value and its interval down with six digits after the point."""
    found = math.isfinite(low) and math.isfinite(high)
    ends = (round(float(low), 6), round(float(high), 6)) if found else (None, None)
    return {"value": round(float(value), 6), "low": ends[0], "high": ends[1], "n": n, **more}


def rate(hits: npt.NDArray[Any]) -> Estimate:
    """Share of hits among images that are independent of each other."""
    return estimate(hits.mean(), *wilson(int(hits.sum()), len(hits)), len(hits))


def rate_of_patients(hits: npt.NDArray[Any], groups: Sequence[str]) -> Estimate:
    """Share of hits among images of patients."""
    return estimate(hits.mean(), *bootstrap_groups(np.mean, [hits], groups), len(hits))


def area(labels: Labels, scores: Array, groups: Sequence[str] | None = None) -> Estimate:
    """AUROC; without groups every image is one."""
    ends = bootstrap_groups(auroc, [labels, scores], groups)
    return estimate(auroc(labels, scores), *ends, len(labels))


def area_lost(real: tuple[Labels, Array, Sequence[str]], made: tuple[Labels, Array]) -> Estimate:
    """AUROC on real images minus AUROC on made ones.

    Args:
        real: Labels, scores and patients.
        made: Labels and scores; every image is resampled by itself.
    """
    labels, scores = (np.concatenate([a, b]) for a, b in zip(real[:2], made, strict=True))
    side = np.repeat([0, 1], [len(real[0]), len(made[0])])
    groups = [*real[2], *(f"image {i}" for i in range(len(made[0])))]

    def lost(y: Labels, s: Array, where: Labels) -> float:
        return auroc(y[where == 0], s[where == 0]) - auroc(y[where == 1], s[where == 1])

    ends = bootstrap_groups(lost, [labels, scores, side], groups)
    return estimate(lost(labels, scores, side), *ends, len(made[0]))


def compared(
    metric: str, real: tuple[Any, Sequence[str]], other: tuple[Any, Sequence[str] | None]
) -> Estimate:
    """A registered metric between real and other images or features, with their groups."""
    found = measure(
        metric,
        real[0],
        other[0],
        extractor="",
        preprocessing="",
        real_groups=real[1],
        synthetic_groups=other[1],
    )
    return estimate(found.value, found.low, found.high, found.n_synthetic)


def inside(entry: Mapping[str, Any], low: float, high: float) -> str:
    """Whether the whole interval lies in a range ("reached"), outside ("missed"), or neither."""
    if entry["low"] is None:
        return "open"
    if low <= entry["low"] and entry["high"] <= high:
        return "reached"
    return "missed" if entry["high"] < low or entry["low"] > high else "open"
