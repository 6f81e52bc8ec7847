"""Section "detectability": can a small classifier tell synthetic images from real ones?"""

from __future__ import annotations

from typing import Any

import numpy as np

from synthmed.evaluation import detectability_tables as tables
from synthmed.evaluation import detectability_words as words
from synthmed.evaluation.context import Context
from synthmed.evaluation.detectability_samples import Sample, halves, matched, sample_of
from synthmed.evaluation.detectability_tests import CLASSIFIERS, tell_apart
from synthmed.evaluation.detectability_traces import traces
from synthmed.evaluation.sections import Section

BLUR = 0.7
"""Standard deviation, in pixels, of the blur of the positive control."""


def detectability(context: Context) -> Section:
    """Test whether two classifiers tell synthetic from real images, and see where they look.

    Equal numbers of each type, drawn by group; trained on one half of the groups, tested on the
    other. Two controls run through the same test: real against real images (two halves of the
    patients; must not be told apart) and real against slightly blurred real ones (must be).

    Args:
        context: The compared sides and settings.

    Returns:
        The section "detectability": `total`, `by_type`, `controls`, `traces`, `n`.
    """
    sides = matched(context.real, context.synthetic, context.settings.seed)
    context.progress("features for the detectors")
    real, made = (sample_of(side) for side in sides)
    data: dict[str, Any] = {"n": {"real": len(real.groups), "synthetic": len(made.groups)}}
    context.progress("training detectors")
    data["total"] = _both(real, made, context)
    data["by_type"] = _by_type(real, made, context)
    first, second = halves(real, context.settings.seed)
    blurred = sample_of(sides[0].take(second), BLUR) if second.any() else real.take(second)
    data["controls"] = {
        "real_against_real": _both(real.take(first), real.take(second), context),
        "real_against_blurred": {
            "blur": BLUR,
            **_both(real.take(first), blurred, context),
        },
    }
    data["strongest"] = _strongest(data["total"])
    measured = data["strongest"] is not None
    data["traces"] = traces(real, made, context.settings.seed) if measured else None
    return Section(
        key="detectability",
        title="Told apart from real images",
        summary=words.summary(data),
        data=data,
        tables=tables.all_tables(data),
        lights=words.lights(data),
        plots=tables.plots(data),
        warnings=_warnings(data),
        methods=words.methods(context.settings),
    )


def _both(first: Sample, second: Sample, context: Context) -> dict[str, Any]:
    """The result of each classifier."""
    return {name: tell_apart(first, second, name, context.settings)[0] for name in CLASSIFIERS}


def _by_type(real: Sample, made: Sample, context: Context) -> list[dict[str, Any]]:
    """The results of classifiers that are trained on one type alone."""
    kinds = np.unique(real.kinds)
    if len(kinds) < 2:
        return []
    rows = []
    for kind in kinds:
        parts = [side.take(side.kinds == kind) for side in (real, made)]
        rows.append({"image_type": str(kind), **_both(parts[0], parts[1], context)})
    return rows


def _strongest(total: dict[str, Any]) -> str | None:
    """The classifier with the higher AUROC."""
    areas = {name: each["auroc"]["value"] for name, each in total.items() if each["auroc"]}
    return max(areas, key=lambda name: areas[name]) if areas else None


def _warnings(data: dict[str, Any]) -> list[str]:
    found = []
    if words.flagged(data["controls"]["real_against_real"]):
        found.append(
            "the detectors tell two halves of the real patients apart: the groups of this set "
            "differ so much that the figures for synthetic images cannot be trusted"
        )
    return found
