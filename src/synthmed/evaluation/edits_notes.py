"""The words of the section "edits": summary, warnings, methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.evaluation.context import Settings
from synthmed.evaluation.edits_pairing import MOST, Pairs
from synthmed.evaluation.edits_sets import FEWEST_PATIENTS
from synthmed.evaluation.edits_words import lights, name_of
from synthmed.evaluation.judging import FOLDS

TITLE = "Edits beside their sources"
Data = Mapping[str, Any]


def summary(data: Data) -> str:
    """Say in one or two sentences what came out."""
    found = data["found"]
    pairs = len(data["sets"])
    text = (
        f"{found['compared']} of {found['named']} edits of {found['patients']} patients were"
        f" compared with their sources, {pairs} pair{'s' * (pairs != 1)} of domains."
    )
    words = {"green": "kept", "amber": "undecided", "red": "lost", "grey": "not measurable"}
    states = [f"{light.title.lower()}: {words[light.state]}" for light in lights(data)[:3]]
    return f"{text} {'; '.join(states).capitalize()}."


def missing(pairs: Pairs) -> list[str]:
    """Warn of edits whose source was not found."""
    return [
        f"{count} of {pairs.named} edits were not compared with their source: {reason}"
        for reason, count in pairs.missing.items()
    ]


def warnings_of(data: Data) -> list[str]:
    """Warn of judges that were not tested in the target, and of unequal prevalence."""
    found = []
    for one in data["sets"]:
        found += [
            f"{name_of(one)}, {each['finding']}: {each['warning']}"
            for each in one["findings"]
            if each.get("warning")
        ]
        if named := [each for each in one["prevalence"] or () if each["named"]]:
            labels = ", ".join(
                f"{each['label']} {each['source']:.0%} against {each['target']:.0%}"
                for each in named[:5]
            )
            found.append(
                f"{name_of(one)}: findings are not equally frequent in the two domains ({labels}):"
                " translation may invent or remove them"
            )
    return found


def methods(settings: Settings) -> list[str]:
    """Say how it was measured."""
    return [
        "A source is found by the hash of its file where one is stated, else by its name and"
        " patient; edits without a source among"
        f" the compared real images are counted and left out. At most {MOST} pairs, drawn by"
        " patient.",
        "Structure: SSIM (Wang et al. 2004) and gradient correlation (Penney et al. 1998), which"
        " does not see brightness and contrast change, in the report's frame, without its padding.",
        f"Findings: judges learnt from the real images alone, {FOLDS} folds of patients; source and"
        " edit are scored by the judge that was fitted without the patient. Answers: the limit of"
        " best balanced accuracy on held-out real images, of the sources' domain before and of the"
        " target's after, where these have enough. Lost: of the sources that bear the label and are"
        " judged so; invented: of those that do neither. Shares of 0 and 1: Wilson's interval over"
        " patients.",
        "Masked structures: absolute difference of mean grey inside the mask and in a ring around"
        " it, in units of their spread. It says that something stands out at this place, not what.",
        f"Intervals: bootstrap over patients, at least {FEWEST_PATIENTS}, {settings.bootstraps}"
        f" draws, seed {settings.seed}. Identity: sources in place of edits.",
    ]
