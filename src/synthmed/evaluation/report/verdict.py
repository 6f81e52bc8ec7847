"""What the traffic lights say together."""

from __future__ import annotations

from collections.abc import Sequence

from synthmed.evaluation.sections import Light

WORDS = {"red": "Red", "amber": "Amber", "green": "Green", "grey": "Not measurable"}
"""The words of the lights, the gravest first."""


def verdict(lights: Sequence[Light]) -> str:
    """Sum the lights up in one sentence that names every red one, or else every amber one.

    Args:
        lights: All lights of a report.

    Returns:
        The sentence. It claims no more than the rules of the lights.
    """
    if not lights:
        return "No check was made."
    total = len(lights)
    named = {state: [one.title for one in lights if one.state == state] for state in WORDS}
    left = _checks(len(named["grey"]), total)
    unknown = f"; {left} could not be measured" if named["grey"] else ""
    if named["red"]:
        word = "is" if len(named["red"]) == 1 else "are"
        return f"{_checks(len(named['red']), total)} {word} red: {_list(named['red'])}{unknown}."
    if named["amber"]:
        word = "is" if len(named["amber"]) == 1 else "are"
        count = _checks(len(named["amber"]), total)
        return f"No check is red; {count} {word} amber: {_list(named['amber'])}{unknown}."
    if named["green"]:
        if not named["grey"]:
            return "The one check is green." if total == 1 else f"All {total} checks are green."
        return f"Every check that could be measured is green{unknown}."
    return "None of the checks could be measured on these images."


def tally(lights: Sequence[Light]) -> list[tuple[str, str, int]]:
    """Count the lights: state, word and number of each state that occurs, the gravest first."""
    counts = {state: sum(one.state == state for one in lights) for state in WORDS}
    return [(state, WORDS[state], count) for state, count in counts.items() if count]


def _checks(count: int, total: int) -> str:
    return f"{count} of {total} checks"


def _list(titles: Sequence[str]) -> str:
    return ", ".join(titles)
