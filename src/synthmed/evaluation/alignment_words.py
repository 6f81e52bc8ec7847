"""The words of the section "alignment": summary, verdicts, methods, made from its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.evaluation import judged_ages, judged_comparison, judging
from synthmed.evaluation.concepts_judged import FEWEST_GROUPS, FEWEST_REAL, FEWEST_SYNTHETIC
from synthmed.evaluation.context import Settings
from synthmed.evaluation.sections import Light, State

Data = Mapping[str, Any]
_RULE = (
    "Of each concept the difference of AUROC between synthetic and real images is judged by its "
    f"95 % interval. Green: it lies above -{judged_comparison.MARGIN:.2f} for every measurable "
    "concept, and for each the control of shuffled prompts is flagged as red by the same rule. "
    f"Red: for at least one concept it lies below -{judged_comparison.MARGIN:.2f}. Amber: "
    "otherwise. Grey: no concept is measurable on these sets."
)
_AGE_RULE = (
    "Of each type the difference of the correlation between asked and seen age is judged by its "
    f"95 % interval, with a margin of {judged_ages.MARGIN:.2f} (which is .05 in AUROC). Green, red "
    "and amber as for concepts. Grey: ages are not asked for, or not measurable on these sets."
)


def summary(data: Data) -> str:
    """Say in one or two sentences what was found."""
    able = [each for each in data["concepts"] if each["real"]]
    if not able:
        return "No concept is measurable on these sets."
    reached = sum(each["state"] == "green" for each in able)
    lost = [each["concept"] for each in able if each["state"] == "red"]
    text = (
        f"Of {len(able)} measurable concepts {reached} are shown as clearly as in real images, "
        f"{len(lost)} less clearly"
    )
    return (
        f"{text} ({', '.join(lost[:4])}{', …' if len(lost) > 4 else ''})." if lost else f"{text}."
    )


def lights(data: Data) -> list[Light]:
    """Judge concepts and ages by the rules that are written out."""
    able = [each for each in data["concepts"] if each["real"]]
    ages = [each for each in data["ages"] if each["real"]]
    return [
        _light("Shows what the prompt says", able, _RULE),
        _light("Looks as old as the prompt says", ages, _AGE_RULE),
    ]


def _light(title: str, able: list[Any], rule: str) -> Light:
    if not able:
        return Light(title, "grey", rule, "Nothing is measurable on these sets.")
    states = [each["state"] for each in able]
    state: State = "red" if "red" in states else "green" if set(states) == {"green"} else "amber"
    blind = sum(not each["control_flagged"] for each in able)
    counts = ", ".join(
        f"{states.count(name)} {name}" for name in ("green", "amber", "red") if name in states
    )
    reason = f"{len(able)} measurable: {counts}."
    if blind:
        reason += f" For {blind} the control was not flagged: too few images to see a loss."
    return Light(title, state, rule, reason)


def methods(data: Data, settings: Settings) -> list[str]:
    """Say how it was measured."""
    judges = "; ".join(f"{name}: {one['id']}" for name, one in data["judges"].items())
    sentences = [
        f"Judges ({judges}) learn each concept from real images, cross-fitted over {judging.FOLDS} "
        "folds of patients: no real image is judged by a judge that has seen its patient; "
        "synthetic images get the mean score of the folds' judges.",
        f"A judge counts where its AUROC on real images is at least {judging.REACHED:.2f} (ages: "
        f"correlation {judged_ages.REACHED}). Ceiling and choice use the same real images, so that "
        "ceilings may be slightly too high.",
        f"A concept is asked where each answer has {FEWEST_REAL} real images of {FEWEST_GROUPS} "
        f"groups and {FEWEST_SYNTHETIC} synthetic ones. View, sequence, sex and age of synthetic "
        "images are read from prompts where no column says them.",
        "Shuffled: of 101 permutations of the synthetic answers within a type the one with the "
        "median AUROC, so that the control is neither lucky nor unlucky.",
        f"Intervals: bootstrap over groups, {settings.bootstraps} draws, seed {settings.seed}; "
        "they are not corrected for the number of concepts.",
        "Kernel judge: least-squares support vector machine (Suykens and Vandewalle 1999); linear "
        "probe: logistic regression; age: ridge regression (Hoerl and Kennard 1970).",
    ]
    if "model" in data["text_image"]:
        found = data["text_image"]
        sentences.append(
            f"CLIP score 100·max(cosine, 0) (Hessel et al. 2021) and recall@k by {found['model']} "
            f"({found['preprocessing']}), ties at random, {found['n']} images a side."
        )
    return sentences
