"""The part of a Generator's card that says what translation keeps and reaches, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthmed.datasets.cards.header import plain
from synthmed.errors import SynthmedError
from synthmed.synthesis.calibration_curves import Curve, Point, curves_of
from synthmed.synthesis.dial import choose_depth

_KEEP = 0.9
_SHARED = "renders of volumes that the model was trained on; intervals over images"
_HEADER = (
    "from",
    "to",
    "n (groups)",
    "n of the target (groups)",
    "depth: SSIM to the source",
    "depth: KID to the target",
    "depth: KID over halves",
    "KID without translation",
    "real-real KID",
    f"depth that keeps {_KEEP:g}",
    "depth that matches realism",
)


def calibration_text(card: Mapping[str, Any], plot: str) -> str:
    """Write the section of a card about translation between domains.

    Args:
        card: The contents of a synthmed.json.
        plot: File name of the plot, beside the card.

    Returns:
        Markdown: what was measured and how, the plot, and a line for each pair.

    Raises:
        SynthmedError: The card has no calibration that can be read.
    """
    curves, found = curves_of(card), card["calibration"]
    settings = found.get("settings")
    pairs = settings.items() if isinstance(settings, Mapping) else ()
    how = ", ".join(f"{plain(name)} {plain(value)}" for name, value in pairs)
    lines = [
        "## Translation between domains\n",
        f"{_who(curves)} Structure is the mean SSIM between a source and its translation; realism"
        " is the KID between translations and real images of the target"
        f" ({plain(found.get('extractor', 'not stated'))}). Brackets: 95 % intervals. The real-real"
        " interval is the KID between two halves of the target's own images; the dial compares it"
        " with the KID over halves, of translations of one half to the target's images of the"
        " other.\n",
        f"These curves hold for {how or 'settings that are not stated'}.\n",
        f"![Structure and realism of translation against depth]({plot})\n",
        f"| {' | '.join(_HEADER)} |",
        "|" + "---|" * len(_HEADER),
    ]
    lines += [f"| {' | '.join(_cells(card, curve))} |" for curve in curves]
    return "\n".join([*lines, *_notes(curves)]) + "\n"


def _who(curves: Sequence[Curve]) -> str:
    """Whose images the curves were measured on, and what their intervals are over."""
    if all(curve.of_patients for curve in curves):
        return (
            "Measured on images of patients that the model was not trained on; intervals over"
            " patients."
        )
    if not any(curve.of_patients for curve in curves):
        return f"Measured on {_SHARED}."
    return (
        "Measured on images of patients that the model was not trained on, intervals over patients,"
        " where no note below says otherwise."
    )


def _notes(curves: Sequence[Curve]) -> list[str]:
    """What limits single pairs, a line each."""
    every = all(not curve.of_patients for curve in curves)
    found = []
    for curve in curves:
        name = f"{plain(curve.source)} to {plain(curve.target)}"
        if not curve.of_patients and not every:
            found.append(f"- {name}: {_SHARED}.")
        found += [f"- {name}: {plain(text)}." for text in curve.warnings]
    return ["", *found] if found else []


def _cells(card: Mapping[str, Any], curve: Curve) -> list[str]:
    shown = sorted({0, len(curve.depths) // 2, len(curve.depths) - 1})
    return [
        plain(curve.source),
        plain(curve.target),
        f"{curve.n_source} ({curve.groups_source})",
        f"{curve.n_target} ({curve.groups_target})",
        "; ".join(f"{curve.depths[i]:g}: {_figure(curve.structure[i], 3)}" for i in shown),
        "; ".join(f"{curve.depths[i]:g}: {_figure(curve.realism[i], 4)}" for i in shown),
        "; ".join(f"{curve.depths[i]:g}: {curve.matched[i].value:.4f}" for i in shown),
        "not measured" if curve.untouched is None else _figure(curve.untouched, 4),
        _figure(curve.real_real, 4),
        _chosen(card, curve, keep_structure=_KEEP),
        _chosen(card, curve, match_realism=True),
    ]


def _chosen(card: Mapping[str, Any], curve: Curve, **way: Any) -> str:
    """The depth that the dial would take, or that there is none."""
    try:
        dial = choose_depth(card, curve.source, curve.target, **way)
    except SynthmedError:
        return "none below 1"
    outside = "outside the real-real interval" in dial.how
    return f"none; nearest {dial.depth:g}" if outside else f"{dial.depth:g}"


def _figure(point: Point, digits: int) -> str:
    return f"{point.value:.{digits}f} [{point.low:.{digits}f}, {point.high:.{digits}f}]"
