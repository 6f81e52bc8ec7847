"""A metric of damaged images beside the same metric of undamaged ones, in pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.common import Row
from benchmarks.faults import FAULTS, Part
from synthmed.errors import SynthmedError
from synthmed.measures.blocks import Dealt
from synthmed.measures.fidelity import kid
from synthmed.measures.jackknife import deal, interval, left_out_sets
from synthmed.measures.metrics import METRICS
from synthmed.measures.search import nearest

Values = Callable[[Dealt, Dealt, Sequence[tuple[int, ...]]], Any]
"""(reference, other, sets of blocks to leave out) -> the metric without each of them."""
ON_FEATURES = tuple(name for name, metric in METRICS.items() if metric.takes == "features")
ON_IMAGES = tuple(name for name, metric in METRICS.items() if metric.takes == "images")
WITHIN_LABELS, NEAR_COPIES = "KID within labels", "share of near-copies"
NEAR = 0.05  # quantile of undamaged images' distances that counts as near

WORSE: dict[str, Mapping[str, int]] = {
    "high-frequency-ratio": {"blur": -1, "noise": 1},
    "feature-diversity": {"mode drop": -1},
    "ms-ssim-difference": {"blur": 1, "noise": -1, "mode drop": 1},
    NEAR_COPIES: {"copies": 1},
}
"""Which way a metric should move for a fault, where that is not simply "worse for any fault"."""


def direction(metric: str, fault: str) -> int:
    """Which way a metric should move: 1 up, -1 down, 0 it is not made for this fault."""
    if fault == "other patients":
        return 1 if metric not in METRICS or METRICS[metric].good == "low" else -1
    if metric in WORSE:
        return WORSE[metric].get(fault, 0)
    down = metric in METRICS and METRICS[metric].good in ("high", "one")
    return -1 if down else 1


def fault_row(
    parts: tuple[Part, Part, Part],
    fault: str,
    strengths: Sequence[float],
    extract: Callable[[Any], Any],
    metrics: Mapping[str, Values],
    blocks: int,
) -> Row:
    """Measure a fault at all strengths.

    Args:
        parts: Reference, undamaged images, and undamaged images of further patients.
        fault: A name in `FAULTS`.
        strengths: From weak to strong.
        extract: Images to what the metrics take.
        metrics: By name.
        blocks: Of the jackknife.

    Returns:
        For each metric that is made for the fault the values (the undamaged images' first), the
        difference from the undamaged images with its interval for each strength, whether it is
        seen, and whether the values move steadily the right way. Where the damaged set has fewer
        than four patients there is no interval (null), and the fault counts as not seen.
    """
    reference, undamaged, _ = parts
    first, second = extract(reference.images), extract(undamaged.images)
    entries: dict[str, dict[str, Any]] = {
        name: {"values": [], "differences": [], "seen": []}
        for name in metrics
        if direction(name, fault)
    }
    for strength in strengths:
        damaged = FAULTS[fault][0](*parts, strength)
        sides = [(first, reference), (second, undamaged), (extract(damaged.images), damaged)]
        for name, entry in entries.items():
            sign = direction(name, fault)
            try:
                base, found, ends = _compared(metrics[name], sides, blocks)
            except SynthmedError:  # too few patients or images are left
                entry["values"] += [None] * (1 if entry["values"] else 2)
                entry["differences"].append(None)
                entry["seen"].append(False)
                continue
            entry["values"] += [found] if entry["values"] else [base, found]
            entry["differences"].append(ends)
            entry["seen"].append(ends["low"] > 0 if sign > 0 else ends["high"] < 0)
    for name, entry in entries.items():
        known = [value for value in entry["values"] if value is not None]
        steps = direction(name, fault) * np.diff(known)
        entry["steady"] = bool((steps >= 0).all() and steps.sum() > 0)
    return {"n": len(undamaged.images), "strengths": list(strengths), "metrics": entries}


def _compared(
    values: Values, sides: Sequence[tuple[Any, Part]], blocks: int
) -> tuple[float, float, dict[str, float]]:
    """The metric of undamaged and of damaged images, and their difference with its interval."""
    dealt, count = deal(*((rows, part.groups) for rows, part in sides), blocks=blocks)
    a, b, c = (
        Dealt(rows, block, part.groups, part.labels)
        for (rows, part), block in zip(sides, dealt, strict=True)
    )
    sets = left_out_sets(count)
    base, found = (np.asarray(values(a, other, sets)) for other in (b, c))
    low, high = interval(found - base, count)
    ends = {"value": found[0] - base[0], "low": low, "high": high}
    short = {key: _short(end) for key, end in ends.items()}
    return _short(base[0]), _short(found[0]), short


def registered(name: str) -> Values:
    """A registered metric, computed by its family in one pass."""
    metric = METRICS[name]
    if metric.family is None:
        return anew(metric.statistic)
    family = metric.family
    return lambda a, b, sets: family(a, b, sets, [name]).values[name]


def anew(statistic: Callable[[Any, Any], float]) -> Values:
    """A metric that is computed anew without each set of blocks."""

    def values(a: Dealt, b: Dealt, sets: Sequence[tuple[int, ...]]) -> list[float]:
        return [
            statistic(a.rows[~np.isin(a.blocks, left)], b.rows[~np.isin(b.blocks, left)])
            for left in sets
        ]

    return values


def within_labels(a: Dealt, b: Dealt, sets: Sequence[tuple[int, ...]]) -> list[float]:
    """KID between images of one label, averaged over the labels by the number of images."""
    found = []
    for left in sets:
        sides = [(side, ~np.isin(side.blocks, left)) for side in (a, b)]
        total, count = 0.0, 0
        for label in np.intersect1d(a.labels, b.labels):
            x, y = (side.rows[keep & (side.labels == label)] for side, keep in sides)
            if min(len(x), len(y)) >= 2:
                total, count = total + len(y) * kid(x, y), count + len(y)
        found.append(total / max(count, 1))
    return found


def near_copies(reference: Any, further: Any) -> Values:
    """Share of images that lie nearer to the reference than real images of other patients do.

    Args:
        reference: (N, D) features.
        further: (M, D) features of images of further patients, who set what is near.
    """
    limit = float(np.quantile(nearest(further, reference, k=1)[0][:, 0], NEAR))
    return anew(lambda a, b: float((nearest(b, a, k=1)[0][:, 0] < limit).mean()))


def _short(value: float) -> float:
    return round(float(value), 8)
