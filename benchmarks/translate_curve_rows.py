"""Curves, areas and the ranking of `translate`, from what its points left behind."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.common import Row
from benchmarks.translate_curves import LEVELS, areas, heights, realism, verdict
from benchmarks.translate_frame import Bench, Pair
from benchmarks.translate_methods import OURS, OURS_KEPT
from benchmarks.translate_point_rows import leave_out_file, left_out
from benchmarks.translate_points import Array, Judge, LeaveOut, keep_leave_out, read_leave_out
from benchmarks.translate_setup import UNRANKED, Known, families, judge, title


def curve(points: list[LeaveOut], untouched: Array) -> tuple[Array, Array]:
    """Structure and realism (K, L) of some settings."""
    structure = np.stack([point["ssim"] for point in points])
    return structure, np.stack([realism(point["kid"], untouched) for point in points])


def curves_row(bench: Bench, known: Known, pair: Pair) -> Row:
    """Area and curve of every family, and where the curves of ours lie above the others."""
    own = judge(bench)
    n = len(own.parts[pair[0]].rows)
    untouched = left_out(bench, known, pair, "identity")["kid"]
    told = own.estimate(untouched, n)
    if told["low"] is None or told["low"] <= 0:
        return {"skipped": "KID does not tell the untouched source from the target", "kid": told}
    curves = {
        family: curve([left_out(bench, known, pair, name) for name in names], untouched)
        for family, names in families(bench, pair).items()
    }
    size = {family: areas(*one) for family, one in curves.items()}
    high = {family: heights(*one) for family, one in curves.items()}
    keep_leave_out(leave_out_file(bench, pair, "areas"), size)
    row: Row = {"untouched": told, "n": n, "families": {}, "compared": {}}
    for family, one in curves.items():
        row["families"][family] = {
            "area": own.estimate(size[family], n, share=True),
            "settings": len(one[0]),
            "heights": [own.estimate(level, n, share=True) for level in high[family]],
        }
    for base in (OURS, OURS_KEPT):
        row["compared"][base] = {
            family: _compared(own, high[base], high[family], size[base] - size[family], n)
            for family in curves
            if family not in (OURS, OURS_KEPT)
        }
    return row


def _compared(own: Judge, ours_high: Array, other: Array, area: Array, n: int) -> dict[str, Any]:
    """Ours minus another family: at each level, of the area, and the verdicts of both sides."""
    above = [own.estimate(level, n) for level in ours_high - other]
    below = [own.estimate(level, n) for level in other - ours_high]
    return {
        "levels": dict(zip(map(str, LEVELS), above, strict=True)),
        "area": own.estimate(area, n),
        "ours": verdict(above),
        "other": verdict(below),
    }


def ranking_row(bench: Bench, known: Known, pairs: list[Pair]) -> Row:
    """Families by their mean area over the pairs that all of them have."""
    usable = [p for p in pairs if "skipped" not in known[f"curves: {title(p)}"]]
    if not usable:
        return {"skipped": "no pair whose source KID tells from its target"}
    for pair in usable:
        if not leave_out_file(bench, pair, "areas").is_file():
            curves_row(bench, known, pair)
    found = [read_leave_out(leave_out_file(bench, pair, "areas")) for pair in usable]
    ranked = [family for family in found[0] if family not in UNRANKED]
    mean = {family: np.mean([one[family] for one in found], axis=0) for family in ranked}
    own = judge(bench)
    n = sum(len(own.parts[pair[0]].rows) for pair in usable)
    order = sorted(ranked, key=lambda family: -mean[family][0])
    ranks = [sorted(ranked, key=lambda family: -one[family][0]) for one in found]
    return {
        "pairs": [title(pair) for pair in usable],
        "families": {
            family: {
                "area": own.estimate(mean[family], n, share=True),
                "mean rank": float(np.mean([1 + place.index(family) for place in ranks])),
                "minus ours": own.estimate(mean[family] - mean[OURS], n),
            }
            for family in order
        },
    }
