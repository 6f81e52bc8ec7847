"""The lights of realism, texture and variety: rules that were set before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.evaluation.fidelity_parts.verdicts import (
    LOST,
    SPREAD,
    TEXTURE,
    Verdict,
    excess,
    loss,
    ratio,
    spread,
)
from synthmed.evaluation.sections import Light, State


def realism(judged: Mapping[str, Any], sigma: float) -> Light:
    """KID beyond that between real patients, in units of a slight blur.

    Args:
        judged: For each stratum, whole set and types, what ``yardstick.judged`` gave.
        sigma: Standard deviation of the yardstick's blur, in pixels.
    """
    rule = (
        "Excess: the KID between synthetic and real images less the KID between two halves of "
        "the real patients. Yardstick: the excess of the real images themselves after a Gaussian "
        f"blur of {sigma:.3g} pixels (1/128 of the frame's width, at least half a pixel). Judged "
        "in all images and in every type. Green: the excess's 95 % interval lies below the "
        "yardstick everywhere. Red: it lies above it somewhere. Amber: undecided, as with few "
        "images. Control: real images blurred twice as much must be red by this rule; where they "
        "are not, these sets or these features cannot tell, and nothing is said."
    )
    verdicts = {name: excess(entry) for name, entry in judged.items()}
    return _light("Realism", rule, verdicts)


def variety(judged: Mapping[str, Any]) -> Light:
    """Real images that no synthetic image resembles.

    Args:
        judged: For each stratum, whole set and types, what ``yardstick.judged`` gave.
    """
    rule = (
        "Loss: the share of real images that have a neighbour among other real patients less the "
        "share that has one among as many synthetic images (coverage, fifth neighbour). Judged "
        "in all images and in every type. Green: the loss's 95 % interval lies below "
        f"{LOST:.2f} everywhere. Red: it lies above {LOST:.2f} somewhere. Amber: undecided. "
        "Control: half of the real variety, real images on one side of the mean along the first "
        "principal component, must be red by this rule among as many real images; where it is "
        "not, the sets are too small, and nothing is said. Images that are far from all real ones "
        "cover nothing, so what turns realism red may turn this red, too."
    )
    verdicts = {name: loss(entry) for name, entry in judged.items()}
    return _light("Variety of the real images", rule, verdicts)


def texture(strata: Mapping[str, Any], control: float | None) -> Light:
    """Power of fine detail over that of the real images.

    Args:
        strata: For each stratum its ``metrics``.
        control: The ratio of real images after twice the yardstick's blur; None if there is none.
    """
    low, high = TEXTURE
    rule = (
        "Ratio: power of the synthetic images above half the Nyquist frequency over that of the "
        "real ones. Judged in all images and in every type. Green: the ratio's 95 % interval "
        f"lies within {low:g} to {high:g} everywhere. Red: it lies outside somewhere. Amber: "
        "undecided. Controls: the ratio of two halves of the real patients must lie inside, that "
        "of real images after twice the yardstick's blur outside; where they do not, nothing "
        "can be said."
    )
    if control is None or low <= control <= high:
        reason = "the real images, framed as they are here, hold hardly any fine detail"
        return Light("Texture", "grey", rule, reason)
    return _light("Texture", rule, {name: ratio(entry) for name, entry in strata.items()})


def diversity(strata: Mapping[str, Any], within: str) -> Light:
    """Spread of the features within prompts (or classes), over that of real images.

    Args:
        strata: For each stratum its ``metrics``.
        within: Within what images are compared.
    """
    rule = (
        f"Ratio: spread of the features between images of one {within}, synthetic over real. "
        "Judged in all images and in every type. Green: the ratio's 95 % interval lies above "
        f"{SPREAD:.2f} everywhere. Red: it lies below {SPREAD:.2f} somewhere. Amber: undecided. "
        "Control: the ratio of two halves of the real patients must lie above; where it does "
        "not, nothing can be said. Noise adds spread, so green means nothing where realism is "
        "red."
    )
    verdicts = {name: spread(metrics) for name, metrics in strata.items()}
    return _light(f"Diversity within each {within}", rule, verdicts)


def _light(title: str, rule: str, verdicts: Mapping[str, Verdict]) -> Light:
    """The worst verdict, with the strata that decide it."""
    states = {name: state for name, (state, _) in verdicts.items() if state != "grey"}
    if not states:
        reasons = [f"{name}: {reason}" for name, (_, reason) in verdicts.items()]
        return Light(title, "grey", rule, "; ".join(reasons) or "nothing was compared")
    order: tuple[State, ...] = ("red", "amber", "green")
    worst = next(state for state in order if state in states.values())
    named = [name for name, state in states.items() if state == worst]
    first = "all images" if "all images" in verdicts else next(iter(verdicts))
    shown = list(dict.fromkeys([first, *(named if worst != "green" else [])]))
    parts = [f"{name}: {verdicts[name][1]}" for name in shown[:6]]
    if len(shown) > 6:
        parts.append(f"{len(shown) - 6} more types are {worst}")
    if grey := len(verdicts) - len(states):
        parts.append(f"{grey} of {len(verdicts)} parts are too small to judge")
    if worst == "green" and len(states) > 1:
        parts.append(f"all {len(states)} parts judged are green")
    return Light(title, worst, rule, "; ".join(parts))
