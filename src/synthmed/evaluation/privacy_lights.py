"""The verdicts of the section on privacy; every margin was set before anything was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from synthmed.evaluation.membership_card import ENOUGH
from synthmed.evaluation.privacy_copy_light import COPY_RULE, TITLE, copies_light, percent
from synthmed.evaluation.sections import Light, State

CLOSER_MARGIN = 0.05
"""The share closer to training images may exceed one half by this, times the share of the training
images that could be compared: where a tenth is compared, a tenth of the copies is seen."""
LEAST_SEEN = 0.1
"""Share of the training images below which even a generator that copies all passes unseen."""
SIGNIFICANT = 0.01
MEMBER_MARGIN = 0.6
"""The same for the AUROC of the membership test; 0.5 is no effect."""
COPYING, UNDERFITTED, UNSURE = -2.0, 2.0, -4.0
"""C_T is a mean of z-scores: two standard deviations of a single one, and twice that."""

CLOSER_RULE = (
    "Red: the interval of the share lies above 50% and the test against one half has p below "
    f"{SIGNIFICANT:g}. Grey: not measurable, or fewer than {LEAST_SEEN:.0%} of the training images "
    f"could be compared. Green: its upper end is below 50% plus {CLOSER_MARGIN:.0%} times the "
    "share of the training images that could be compared, and its interval does not lie below "
    "50%. Amber: all else; an interval below 50% means that the two sides cannot be compared."
)
MEMBER_RULE = (
    f"Red: the AUROC's interval lies above {MEMBER_MARGIN:g}. Green: it lies below that, and not "
    "below 0.5. Amber: all else; below 0.5 the two sides cannot be compared. Grey: no generator "
    "was given, or too few patients."
)
COPYING_RULE = (
    "C_T compares the distances of synthetic and of hold-out images to all training images. "
    f"Red: its interval lies below {COPYING:g}. Green: its interval begins above {UNSURE:g} and "
    f"does not lie above {UNDERFITTED:g}. Amber: all else; above that, synthetic images are "
    "farther from the training images than real ones are, and copies among them do not show. "
    "Grey: not measurable."
)
_TITLES = (
    "Closer to training images than to others",
    "Membership from the generator's loss",
    "Data copying on the whole (C_T)",
)


def lights(data: dict[str, Any]) -> list[Light]:
    """Judge the section's data.

    Args:
        data: What `privacy` measured; None for what it could not.
    """
    judged = [copies_light(data), _closer(data), _membership(data), _copying(data)]
    reason = _partial(data["training_groups"])
    return [_held_back(light, reason) for light in judged] if reason else judged


def unmeasured(reason: str) -> list[Light]:
    """Give grey lights."""
    rules = (COPY_RULE, CLOSER_RULE, MEMBER_RULE, COPYING_RULE)
    return [Light(t, "grey", r, reason) for t, r in zip((TITLE, *_TITLES), rules, strict=True)]


def equal_light(count: int, reason: str) -> Light:
    """Give the red light for images that equal training images where nothing else was measured."""
    return Light(TITLE, "red", COPY_RULE, f"{count} equal a training image; otherwise: {reason}")


def below_chance(data: dict[str, Any]) -> list[str]:
    """Name the comparisons whose sides cannot be alike, as their result is below chance."""
    said = []
    for words, entry in (
        ("the share closer to training images", data["closer_to_train"]),
        ("the AUROC of membership", (data["membership"] or {}).get("auroc")),
    ):
        if entry is not None and entry["high"] < 0.5:
            said.append(f"{words} lies below one half: training and hold-out images are not alike")
    return said


def _partial(groups: dict[str, int] | None) -> str:
    """Why the training images are not those of the generator's card; "" where they are."""
    if groups is None:
        return ""
    if groups["given"] < ENOUGH * groups["named"]:
        return f"{groups['given']} of {groups['named']} training groups of the generator were given"
    if groups["strangers"] > (1 - ENOUGH) * groups["n_train"]:
        return f"{groups['strangers']} training images are not of the generator's training groups"
    return ""


def _held_back(light: Light, reason: str) -> Light:
    state: State = "amber" if light.state == "green" else light.state
    rule = f"{light.rule} Not green where fewer than {ENOUGH:.0%} of the training groups are given."
    return replace(light, state=state, rule=rule, reason=f"{light.reason}; {reason}")


def _closer(data: dict[str, Any]) -> Light:
    share = data["closer_to_train"]
    if share is None:
        return Light(_TITLES[0], "grey", CLOSER_RULE, data["not_measurable"])
    state: State = "amber"
    seen = share["share_of_train"]
    if share["low"] > 0.5 and share["p_value"] < SIGNIFICANT:
        state = "red"
    elif seen < LEAST_SEEN:
        state = "grey"
    elif 0.5 <= share["high"] < 0.5 + CLOSER_MARGIN * seen:
        state = "green"
    reason = (
        f"{percent(share)} of {share['n_synthetic']} images, p = {share['p_value']:.3g}; "
        f"{seen:.0%} of the training images could be compared"
    )
    return Light(_TITLES[0], state, CLOSER_RULE, reason)


def _membership(data: dict[str, Any]) -> Light:
    member = data["membership"]
    if member is None:
        return Light(_TITLES[1], "grey", MEMBER_RULE, data["not_measurable"])
    found = member["auroc"]
    state: State = "amber"
    if found["low"] > MEMBER_MARGIN:
        state = "red"
    elif 0.5 <= found["high"] < MEMBER_MARGIN:
        state = "green"
    reason = (
        f"AUROC {number(found)} on {member['n_train']} training and {member['n_holdout']} hold-out "
        f"images; by the codec alone {number(member['codec_auroc'])}"
    )
    return Light(_TITLES[1], state, MEMBER_RULE, reason)


def _copying(data: dict[str, Any]) -> Light:
    found = data["c_t"]
    if found is None:
        return Light(_TITLES[2], "grey", COPYING_RULE, data["not_measurable"])
    state: State = "amber"
    if found["high"] < COPYING:
        state = "red"
    elif found["low"] > UNSURE and found["low"] <= UNDERFITTED:
        state = "green"
    reason = f"C_T {number(found)} with {found['n_train']} training images"
    return Light(_TITLES[2], state, COPYING_RULE, reason)


def number(entry: dict[str, Any] | None) -> str:
    """A number with its interval."""
    if entry is None:
        return "not measurable"
    return f"{entry['value']:.3g} [{entry['low']:.3g}, {entry['high']:.3g}]"
