"""The section "fidelity": are the images realistic, and as diverse as real ones?"""

from __future__ import annotations

from typing import Any

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.fidelity_parts import lights, notes
from synthmed.evaluation.fidelity_parts.compare import compared
from synthmed.evaluation.fidelity_parts.material import Material, material
from synthmed.evaluation.fidelity_parts.plots import plots
from synthmed.evaluation.fidelity_parts.strata import Stratum, strata
from synthmed.evaluation.fidelity_parts.tables import tables
from synthmed.evaluation.fidelity_parts.yardstick import judged, yardsticks
from synthmed.evaluation.sections import Section

TITLE = "Realism and diversity"


def fidelity(context: Context) -> Section:
    """Compare synthetic with real images, in total, by type and by label.

    Every number stands beside the same number between two halves of the real set by patient,
    at equal n, with an interval by the grouped jackknife.

    Args:
        context: The compared sides.

    Returns:
        The section. Its ``data`` holds ``total``, ``types``, ``labels`` (by type, then label)
        and ``judged`` (what the lights are made from).

    Raises:
        SynthmedError: The extractor is unknown or not there, or the sets are too small for any
            comparison.
    """
    parts = strata(context.real, context.synthetic)
    if parts[0].reason:
        raise SynthmedError(f"nothing can be compared: {parts[0].reason}")
    given = material(context)
    entries = _entries(context, parts, given)
    yard = yardsticks(context)
    judgements = {}
    for part in parts:
        if part.level != "label" and not part.reason:
            context.progress(f"lights of {part.title}")
            judgements[part.title] = judged(context, part, given.synthetic, yard)
    metrics = {name: entries[name]["metrics"] for name in judgements}
    return Section(
        key="fidelity",
        title=TITLE,
        summary=_summary(entries[parts[0].title]),
        data=_data(context, parts, entries, given, judgements),
        tables=tables(entries, parts, given.within),
        lights=[
            lights.realism(judgements, yard.sigma),
            lights.texture(metrics, yard.texture),
            lights.variety(judgements),
            lights.diversity(metrics, given.within),
        ],
        plots=plots(context, given, entries),
        warnings=notes.warnings_of(context, parts, entries),
        methods=notes.methods_of(context, given, entries),
    )


def _entries(context: Context, parts: list[Stratum], given: Material) -> dict[str, Any]:
    """By title what each stratum that can be compared gave."""
    entries = {}
    for part in parts:
        if not part.reason:
            context.progress(f"fidelity of {part.title}")
            entries[part.title] = compared(context, part, given)
    return entries


def _data(
    context: Context,
    parts: list[Stratum],
    entries: dict[str, Any],
    given: Material,
    judgements: dict[str, Any],
) -> dict[str, Any]:
    """The section's data: what was measured, and why the rest was not."""
    types: dict[str, Any] = {}
    labels: dict[str, dict[str, Any]] = {}
    for part in parts[1:]:
        left_out = {
            "n_real": len(part.real),
            "n_synthetic": len(part.synthetic),
            "metrics": None,
            "not_measurable": part.reason,
        }
        entry = entries.get(part.title, left_out)
        if part.level == "type":
            types[part.kind] = entry
        else:
            labels.setdefault(part.kind, {})[part.label] = entry
    return {
        "extractor": given.real.id,
        "preprocessing": given.real.preprocessing,
        "seed": context.settings.seed,
        "blocks": context.settings.blocks,
        "diversity_within": given.within,
        "total": entries[parts[0].title],
        "types": types or {context.real.kinds[0].item(): entries[parts[0].title]},
        "labels": labels,
        "judged": judgements,
    }


def _summary(whole: dict[str, Any]) -> str:
    """The result in a sentence."""
    shown = []
    for name, word in (("kid", "KID"), ("coverage", "coverage")):
        found, real = (whole["metrics"][name][key] for key in ("synthetic", "baseline"))
        if found:
            between = f" (between two halves of the real set {real['value']:.3g})" if real else ""
            ends = f"[{found['low']:.3g}, {found['high']:.3g}]"
            shown.append(f"{word} {found['value']:.3g} {ends}{between}")
    return f"{whole['n_compared']:,} images a side: {'; '.join(shown) or 'not measurable'}."
