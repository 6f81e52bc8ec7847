"""The verdicts of the section on privacy; every margin was set before anything was measured."""

from __future__ import annotations

from typing import Any

from synthmed.evaluation.sections import Light, State

COPY_MARGIN = 0.05
"""The copy rate's upper end lies below it, or the light is not green."""
LEAST_RECALL = 0.8
"""Share of planted copies that the search must find before it can say that there are none."""
CLOSER_MARGIN = 0.55
"""The same for the share of synthetic images closer to training images; 0.5 is no effect."""
SIGNIFICANT = 0.01
MEMBER_MARGIN = 0.6
"""The same for the AUROC of the membership test; 0.5 is no effect."""

COPY_RULE = (
    "Red: a synthetic image equals a training image pixel by pixel, or the copy rate's interval "
    "lies above the interval of the false-alarm rate. Grey: no hold-out images, or the search "
    f"finds fewer than {LEAST_RECALL:.0%} of the planted copies: the audit cannot see. Green: the "
    f"copy rate's upper end is below {COPY_MARGIN:.0%}. Amber: all else."
)
CLOSER_RULE = (
    f"Red: the interval of the share lies above 50% and the test against one half has p below "
    f"{SIGNIFICANT:g}. Green: its upper end is below "
    f"{CLOSER_MARGIN:.0%}. Amber: all else. Grey: not measurable."
)
MEMBER_RULE = (
    f"Red: the AUROC's interval lies above {MEMBER_MARGIN:g}. Green: it lies below that. Amber: "
    "all else. Grey: no generator was given, or too few patients."
)
_TITLES = (
    "Copies of training images",
    "Closer to training images than to others",
    "Membership from the generator's loss",
)


def lights(data: dict[str, Any]) -> list[Light]:
    """Judge the section's data.

    Args:
        data: What `privacy` measured; None for what it could not.
    """
    return [_copies(data), _closer(data), _membership(data)]


def unmeasured(reason: str) -> list[Light]:
    """Give three grey lights."""
    rules = (COPY_RULE, CLOSER_RULE, MEMBER_RULE)
    return [Light(t, "grey", r, reason) for t, r in zip(_TITLES, rules, strict=True)]


def _copies(data: dict[str, Any]) -> Light:
    found = data["copy_rate"]
    if found is None:
        return Light(_TITLES[0], "grey", COPY_RULE, data["not_measurable"])
    alarms, test = data["false_alarms"], data["self_test"]
    state: State = "amber"
    if data["equal_images"] or found["low"] > alarms["high"]:
        state = "red"
    elif test["recall"]["value"] < LEAST_RECALL:
        state = "grey"
    elif found["high"] < COPY_MARGIN:
        state = "green"
    reason = (
        f"{len(data['copies'])} of {found['n']} synthetic images are called copies, "
        f"{percent(found)} (about {data['expected_by_chance']:.2g} calls are to be expected where "
        f"nobody is copied); false alarms among hold-out images {percent(alarms)}; "
        f"{test['found']} of {test['planted']} planted copies found"
    )
    if data["equal_images"]:
        reason += f"; {data['equal_images']} equal a training image"
    return Light(_TITLES[0], state, COPY_RULE, reason)


def _closer(data: dict[str, Any]) -> Light:
    share = data["closer_to_train"]
    if share is None:
        return Light(_TITLES[1], "grey", CLOSER_RULE, data["not_measurable"])
    state: State = "amber"
    if share["low"] > 0.5 and share["p_value"] < SIGNIFICANT:
        state = "red"
    elif share["high"] < CLOSER_MARGIN:
        state = "green"
    reason = f"{percent(share)} of {share['n_synthetic']} images, p = {share['p_value']:.3g}"
    return Light(_TITLES[1], state, CLOSER_RULE, reason)


def _membership(data: dict[str, Any]) -> Light:
    member = data["membership"]
    if member is None:
        return Light(_TITLES[2], "grey", MEMBER_RULE, data["not_measurable"])
    found = member["auroc"]
    state: State = "amber"
    if found["low"] > MEMBER_MARGIN:
        state = "red"
    elif found["high"] < MEMBER_MARGIN:
        state = "green"
    reason = (
        f"AUROC {number(found)} on {member['n_train']} training and {member['n_holdout']} hold-out "
        f"images; by the codec alone {number(member['codec_auroc'])}"
    )
    return Light(_TITLES[2], state, MEMBER_RULE, reason)


def percent(entry: dict[str, Any] | None) -> str:
    """A share with its interval in per cent."""
    if entry is None:
        return "not measurable"
    return f"{entry['value']:.1%} [{entry['low']:.1%}, {entry['high']:.1%}]"


def number(entry: dict[str, Any] | None) -> str:
    """A number with its interval."""
    if entry is None:
        return "not measurable"
    return f"{entry['value']:.3g} [{entry['low']:.3g}, {entry['high']:.3g}]"
