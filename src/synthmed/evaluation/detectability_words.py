"""The words of the section "detectability": summary, verdict, methods, made from its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.evaluation.context import Settings
from synthmed.evaluation.detectability_samples import FEWEST, FEWEST_GROUPS, LARGEST
from synthmed.evaluation.judged_estimates import shown
from synthmed.evaluation.sections import Light, State
from synthmed.measures.forensics import RINGS

Data = Mapping[str, Any]
HARD, EASY = 0.60, 0.75
"""AUROC below which images count as hard to tell apart, and above which as easy."""
_TITLE = "Hard to tell from real images"
_RULE = (
    f"Green: the 95 % intervals of both classifiers lie below {HARD:.2f}, and the same test flags "
    f"slightly blurred real images (interval above {HARD:.2f}). Red: the interval of one lies "
    f"above {EASY:.2f}. Amber: otherwise. Grey: too few images, or the test flags two halves of "
    "the real patients as well."
)


def flagged(results: Mapping[str, Any], above: float = HARD) -> bool:
    """Whether a classifier's whole interval lies above an AUROC."""
    return any(
        each["auroc"] is not None and (each["auroc"]["low"] or 0) > above
        for each in results.values()
        if isinstance(each, dict)
    )


def summary(data: Data) -> str:
    """Say in one or two sentences what was found."""
    if data["strongest"] is None:
        return "There are too few images for a test."
    best = data["total"][data["strongest"]]
    where = data["traces"]["strongest"]
    return (
        f"A small classifier ({data['strongest']}) tells synthetic from real images with AUROC "
        f"{shown(best['auroc'])} (0.5: not at all). Of the spectrum, {where['band']} tells most."
    )


def lights(data: Data) -> list[Light]:
    """Judge by the rule that is written out."""
    best = data["strongest"]
    if best is None:
        reason = data["total"]["linear"]["not_measurable"]
        return [Light(_TITLE, "grey", _RULE, f"Not measurable: {reason}.")]
    areas = [each["auroc"] for each in data["total"].values() if each["auroc"]]
    seen = flagged(data["controls"]["real_against_blurred"])
    state: State = "amber"
    if flagged(data["controls"]["real_against_real"]):
        state = "grey"
    elif flagged(data["total"], EASY):
        state = "red"
    elif seen and all(area["high"] is not None and area["high"] < HARD for area in areas):
        state = "green"
    reason = f"AUROC {shown(data['total'][best]['auroc'])} ({best})."
    if not seen:
        reason += " The blurred control was not flagged: too few images to see small traces."
    return [Light(_TITLE, state, _RULE, reason)]


def methods(settings: Settings) -> list[str]:
    """Say how it was measured."""
    return [
        "Classifier two-sample test (Lopez-Paz and Oquab 2017) with AUROC: equal numbers of each "
        f"type, at most {LARGEST} images a side, at least {FEWEST} of {FEWEST_GROUPS} groups; "
        "trained on one half of the groups, tested on the other.",
        "Linear classifier: logistic regression on spectrum, noise, grey levels, texture and "
        "colour; kernel classifier: least-squares support vector machine on these and on the "
        "judges' features. Images are rounded to 8 bits first.",
        f"Spectrum: {RINGS} bands up to Nyquist and one for the corners, Hann window.",
        f"Intervals: bootstrap over groups of the tested half, {settings.bootstraps} draws; p: "
        f"1,000 permutations of labels among groups (Phipson and Smyth 2010); seed "
        f"{settings.seed}.",
        "Real images that were resized or compressed before, and synthetic ones that were not, "
        "can be told apart by that alone. That synthetic images can be told apart says nothing "
        "against their safety; it says that a network trained on them may learn their traces.",
    ]
