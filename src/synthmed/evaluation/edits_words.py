"""The lights of the section "edits", with their rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from synthmed.evaluation.edits_answers import MOST_CHANGED, SHARES
from synthmed.evaluation.edits_sets import KEPT_LESIONS, KEPT_STRUCTURE
from synthmed.evaluation.judged_comparison import MARGIN
from synthmed.evaluation.judged_estimates import shown
from synthmed.evaluation.judging import REACHED
from synthmed.evaluation.sections import Light, State
from synthmed.measures.edits.contrast import KEPT, VISIBLE
from synthmed.synthesis.prevalence import RULE as PREVALENCE
from synthmed.synthesis.prevalence import SMALLEST

Data = Mapping[str, Any]

UNCHANGED = 0.99
"""Mean SSIM to the source above which an edit has changed next to nothing."""
STRUCTURE_RULE = (
    "Gradient correlation with the source on a scale from 0, another patient's edit, to 1, the"
    f" source itself, for every pair of domains. Green: every 95 % interval begins at"
    f" {KEPT_STRUCTURE:g} or above. Red: one ends below. Amber: otherwise. Control: the edits of a"
    " third patient must be red, else nothing is green. Grey in place of green where the edits are"
    f" their sources but for traces (mean SSIM above {UNCHANGED:g} for every pair of domains)."
)
FINDINGS_RULE = (
    "For every finding and pair of domains that can be judged: lost findings (of the sources that"
    " bear the label and are judged so, the share whose edit is not), invented ones (of the"
    " sources that do neither, the share whose edit is judged so), and the judges' AUROC for the"
    " sources' labels, on edits minus on sources, paired. Green: every share's 95 % interval ends"
    f" at {MOST_CHANGED:g} or below, and every difference's lies above {-MARGIN:g}. Red: a share's"
    f" begins above {MOST_CHANGED:g}, or a difference's lies below {-MARGIN:g}. Amber: otherwise. A"
    f" judge counts where it reaches AUROC {REACHED:.2f} on real held-out patients within the"
    " sources' domain, and within the target's where that can be tested. Control: other patients'"
    " edits must be red, else nothing is green."
)
LESIONS_RULE = (
    f"Share of the masked structures that stand out in the source (contrast {VISIBLE:g} or more)"
    f" and keep {KEPT:.0%} of their contrast, for every pair of domains. Green: every 95 %"
    f" interval begins at {KEPT_LESIONS:g} or above. Red: one ends below. Amber: otherwise."
    " Control: the same edits with the structure filled by its surroundings must be red, else"
    " nothing is green."
)
PREVALENCE_RULE = (
    "Labels of the two domains: the known cause of invented findings (Cohen, Luck and Honari 2018)."
    " Green: of every label the difference's 95 % interval lies within"
    f" {SMALLEST * 100:.0f} points either way."
    f" Amber: otherwise; it says whether of a label {PREVALENCE}, or whether there are too few"
    " patients to tell. Never red: it is a cause, no finding."
)


def lights(data: Data) -> list[Light]:
    """Give the four verdicts of the section."""
    found = [
        _light("Structure of the sources kept", STRUCTURE_RULE, _parts(data, "structure"), "kept"),
        _survival(_judged(data)),
        _light("Masked structures still stand out", LESIONS_RULE, _parts(data, "lesions"), "kept"),
        _prevalence(data),
    ]
    return [_unless_unchanged(found[0], data), *found[1:]]


def _unless_unchanged(light: Light, data: Data) -> Light:
    """Whoever changes nothing keeps all structure: that is no merit."""
    rows = [one["structure"]["rows"]["edits"]["ssim"] for one in data["sets"] if one["structure"]]
    means = [float(row["value"]) for row in rows if row]
    if light.state != "green" or not means or min(means) <= UNCHANGED:
        return light
    reason = f"The edits are their sources but for traces: mean SSIM {min(means):.4f} or more."
    return replace(light, state="grey", reason=reason)


def name_of(one: Data) -> str:
    """A pair of domains in words."""
    source, target = one["source_domain"], one["target_domain"]
    return f"{source or 'unnamed'} to {target or 'unnamed'}" if source or target else "edits"


def _parts(data: Data, key: str) -> list[tuple[str, Data]]:
    return [(name_of(one), one[key]) for one in data["sets"] if one[key] is not None]


def _judged(data: Data) -> list[tuple[str, Data]]:
    return [
        (f"{name_of(one)}, {each['finding']}", each)
        for one in data["sets"]
        for each in one["findings"]
    ]


def _light(title: str, rule: str, parts: Sequence[tuple[str, Data]], key: str) -> Light:
    """The worst of the measured parts; grey where there is none."""
    measured = [(name, part) for name, part in parts if part["state"] != "grey"]
    if not measured:
        reasons = [str(part["not_measurable"]) for _, part in parts if part.get("not_measurable")]
        return Light(title, "grey", rule, _nothing(reasons, bool(parts)))
    states: list[State] = [part["state"] for _, part in measured]
    state: State = next(each for each in ("red", "amber", "green") if each in states)
    worst = [(name, part) for name, part in measured if part["state"] == state]
    name, part = min(worst, key=lambda each: float(each[1][key]["value"]))
    reason = f"{name}: {shown(part[key])}"
    if len(measured) > 1:
        reason += f", the lowest of {len(measured)} that are {state} or better"
    if state == "amber" and not part["control_flagged"]:
        reason += "; the control was not flagged: too few images to see a loss"
    return Light(title, state, rule, f"{reason}.")


def _survival(parts: Sequence[tuple[str, Data]]) -> Light:
    """The worst finding, by the share or difference that decides."""
    title = "Findings survive"
    measured = [(name, part) for name, part in parts if part["state"] != "grey"]
    if not measured:
        return _light(title, FINDINGS_RULE, parts, "difference")
    states: list[State] = [part["state"] for _, part in measured]
    state: State = next(each for each in ("red", "amber", "green") if each in states)
    worst = [(name, part) for name, part in measured if part["state"] == state]
    name, part = max(worst, key=lambda each: _changed(each[1]))
    by = part["decided_by"]
    shares = {word: _of_share(word, part[word]) for word in SHARES}
    first = shares.pop(by) if by in shares else f"AUROC difference {shown(part['difference'])}"
    rest = [*shares.values()]
    rest += [] if by == "difference" else [f"AUROC difference {shown(part['difference'])}"]
    reason = f"{name}: {first}; {', '.join(rest)}"
    if len(measured) > 1:
        reason += f"; the worst of {len(measured)} that are {state} or better"
    if state == "amber" and not part["control_flagged"]:
        reason += "; the control was not flagged: too few images to see a loss"
    return Light(title, state, FINDINGS_RULE, f"{reason}.")


def _of_share(word: str, share: Data | None) -> str:
    return f"{word} {shown(share)}" if share else f"{word}: too few patients to tell"


def _changed(part: Data) -> float:
    """How much the part that decides lies on the wrong side, for the choice of the worst."""
    by = part["decided_by"]
    if by == "difference":
        return -float(part["difference"]["value"])
    return float(part[by]["value"]) if part[by] else 1.0


def _nothing(reasons: Sequence[str], any_part: bool) -> str:
    if reasons:
        return f"{reasons[0][:1].upper()}{reasons[0][1:]}."
    return "Too few patients." if any_part else "There is nothing to measure it on."


def _prevalence(data: Data) -> Light:
    title = "Findings equally frequent in both domains"
    known = [one for one in data["sets"] if one["prevalence"] is not None]
    if not known:
        text = "The labels of the two domains are not known."
        return Light(title, "grey", PREVALENCE_RULE, text)
    every = [(one, each) for one in known for each in one["prevalence"]]
    named = [pair for pair in every if pair[1]["named"]]
    wide = [p for p in every if p[1]["low"] < -SMALLEST or p[1]["high"] > SMALLEST]
    if not wide and not named:
        text = f"None of {len(every)} labels can differ by more than {SMALLEST * 100:.0f} points."
        return Light(title, "green", PREVALENCE_RULE, text)
    one, each = max(named or wide, key=lambda p: max(-p[1]["low"], p[1]["high"]))
    text = (
        f"{name_of(one)}: {each['label']} {each['source']:.0%} against {each['target']:.0%},"
        f" difference [{each['low']:+.0%}, {each['high']:+.0%}]"
    )
    if named:
        text += f"; {len(named)} in all."
    else:
        text += (
            f": too few patients to exclude a difference of {SMALLEST * 100:.0f} points"
            f" ({each['n_source']} and {each['n_target']}); {len(wide)} of {len(every)} labels."
        )
    return Light(title, "amber", PREVALENCE_RULE, text)
