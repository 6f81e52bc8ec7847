"""The verdict on copies: each type is judged by itself, and the worst one counts."""

from __future__ import annotations

from typing import Any

from synthmed.evaluation.sections import Light, State

TITLE = "Copies of training images"
COPY_MARGIN = 0.05
"""The copy rate's upper end lies below it, or the light is not green."""
LEAST_RECALL = 0.8
"""Share of planted copies that the search must find before it can say that there are none."""
COPY_RULE = (
    "Judged in every type that is searched, and in all together; the worst counts. Red: a "
    "synthetic image equals a training image of whatever type, or stands out at least half as far "
    "as exact copies do, or the copy rate's interval lies above the interval of the false-alarm "
    f"rate. Grey: no hold-out images, or the search finds fewer than {LEAST_RECALL:.0%} of the "
    f"planted copies: it cannot see. Green: the copy rate's upper end is below {COPY_MARGIN:.0%}, "
    "its lower end is not above the false-alarm rate, no kind of planted copy is missed "
    "altogether, and every image that shows something was searched among real images of its own "
    "type. Amber: all else, as where one of several types cannot be seen or has few images."
)
_SHOWN = 4
_Verdict = tuple[State, str]


def copies_light(data: dict[str, Any]) -> Light:
    """Judge the copies.

    Args:
        data: The section's data.
    """
    if data["copy_rate"] is None:
        return Light(TITLE, "grey", COPY_RULE, data["not_measurable"])
    verdicts = {kind: _judged(entry) for kind, entry in data["by_type"].items()}
    states = {state for state, _ in verdicts.values()}
    overall = _overall(data)
    if "red" in states | {overall[0]}:
        state: State = "red"
    elif states == {"grey"}:
        state = "grey"
    elif (states | {overall[0]}) - {"green"}:
        state = "amber"
    else:
        state = "green"
    parts = [_figures(data), overall[1]]
    named = [(kind, said) for kind, (own, said) in verdicts.items() if said and own != "green"]
    parts += [f"{kind}: {said}" for kind, said in named[:_SHOWN]]
    if len(named) > _SHOWN:
        parts.append(f"{len(named) - _SHOWN} more types are not green")
    return Light(TITLE, state, COPY_RULE, "; ".join(part for part in parts if part))


def _judged(entry: dict[str, Any]) -> _Verdict:
    """State and reason of one search."""
    found, alarms = entry["copy_rate"], entry["false_alarms"]
    recall, again = entry["self_test"]["recall"]["value"], entry["searched_again"]
    if entry["certain"]:
        return "red", f"{entry['certain']} stand out at least half as far as exact copies"
    if found["low"] > alarms["high"]:
        return "red", "the copy rate lies above the false alarms"
    if not again and recall < LEAST_RECALL:  # else these images have a search of their own, too
        return "grey", f"only {recall:.0%} of the planted copies were found"
    missed = [k for k, counts in entry["self_test"]["by_kind"].items() if not counts["found"]]
    if missed and not again:
        return "amber", f"no planted copy found of the kind {', '.join(missed)}"
    if found["low"] > max(alarms["value"], entry["quantile"]):
        return "amber", "more calls than false alarms explain"
    if found["high"] >= COPY_MARGIN and not again:
        return "amber", f"up to {found['high']:.1%} may be copies"
    return "green", ""


def _overall(data: dict[str, Any]) -> _Verdict:
    """State and reason of all images together."""
    found, alarms = data["copy_rate"], data["false_alarms"]
    if data["equal_images"]:
        return "red", f"{data['equal_images']} equal a training image"
    if found["low"] > alarms["high"]:
        return "red", "the copy rate lies above the false alarms"
    for key, words in (
        ("unsearched", "were not searched"),
        ("borrowed", "have no hold-out images of their type to set a threshold by"),
    ):
        if data[key]:
            names = ", ".join(data[key])
            return "amber", f"{sum(data[key].values())} synthetic images ({names}) {words}"
    return ("green" if found["high"] < COPY_MARGIN else "amber"), ""


def _figures(data: dict[str, Any]) -> str:
    found, test = data["copy_rate"], data["self_test"]
    return (
        f"{len(data['copies'])} of {found['n']} synthetic images are called copies, "
        f"{percent(found)} (about {data['expected_by_chance']:.2g} calls are to be expected where "
        "nobody is copied); false alarms among hold-out images "
        f"{percent(data['false_alarms'])}; {test['found']} of {test['planted']} planted copies "
        "found"
    )


def percent(entry: dict[str, Any] | None) -> str:
    """A share with its interval in per cent."""
    if entry is None:
        return "not measurable"
    return f"{entry['value']:.1%} [{entry['low']:.1%}, {entry['high']:.1%}]"
