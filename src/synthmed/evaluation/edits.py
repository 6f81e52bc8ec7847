"""Section "edits": what edited images keep of their sources, and what they invent."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation import edits_notes as words
from synthmed.evaluation import edits_tables as tables
from synthmed.evaluation.concept_judges import judge_kinds
from synthmed.evaluation.context import Context
from synthmed.evaluation.edits_findings import JudgedFinding, asked_of, judge_finding
from synthmed.evaluation.edits_pairing import Pairs, find_pairs, names_sources
from synthmed.evaluation.edits_sets import FEWEST_PATIENTS, lesions_of, locality_of, structure_of
from synthmed.evaluation.edits_survival import finding_of
from synthmed.evaluation.edits_values import ByImage, by_image
from synthmed.evaluation.edits_words import lights
from synthmed.evaluation.overlap import generator_card
from synthmed.evaluation.sections import Section
from synthmed.synthesis.calibration_structure import SMALLEST
from synthmed.synthesis.prevalence import prevalence_differences

__all__ = ["edits", "names_sources"]


def edits(context: Context) -> Section:
    """Compare edited images with the images that they were made of.

    For every pair of domains: structure kept, where the change lies (with masks), whether
    findings survive (by judges of other patients), whether what is masked still stands out, and
    whether the domains show findings in different shares. Each with the row "identity" (sources
    against themselves) and a control that the same test must flag.

    Args:
        context: The compared sides; synthetic rows name their sources (column `source_file`),
            which are among the real images.

    Returns:
        The section "edits": `found`, `sets`.

    Raises:
        SynthmedError: No synthetic row names a source, or the sources of fewer than four patients
            are among the real images.
    """
    if not names_sources(context):
        raise SynthmedError("no synthetic image names its source (column source_file)")
    pairs = find_pairs(context)
    patients = len(set(pairs.groups.tolist()))
    if patients < FEWEST_PATIENTS:
        raise SynthmedError(
            f"the sources of {len(pairs)} of {pairs.named} edits ({patients} patients) are among"
            f" the real images that are compared, {FEWEST_PATIENTS} patients are needed",
            mend="Give the folder of the sources by --real, and --real-split all if need be.",
        )
    warnings = words.missing(pairs)
    context.progress("sources and edits")
    values = by_image(context, pairs)
    warnings += [f"{bad['file_name']}: {bad['reason']}" for bad in values.problems[:5]]
    if values.thin:
        warnings.append(
            f"the structure of {values.thin} of {len(pairs)} edits was not measured: under"
            f" {SMALLEST} pixels on a side of the report's frame"
        )
    findings = _findings(context, pairs, warnings)
    data = {
        "found": {
            "named": pairs.named,
            "compared": len(pairs),
            "patients": patients,
            "by": dict(pairs.found),
            "not_found": dict(pairs.missing),
        },
        "sets": [
            _of_set(domains, context, pairs, values, findings)
            for domains in sorted({*zip(pairs.source_domains, pairs.target_domains, strict=True)})
        ],
    }
    return Section(
        key="edits",
        title=words.TITLE,
        summary=words.summary(data),
        data=data,
        tables=tables.all_tables(data),
        lights=lights(data),
        plots=tables.plots(data),
        warnings=[*warnings, *words.warnings_of(data)],
        methods=words.methods(context.settings),
    )


def _findings(context: Context, pairs: Pairs, warnings: list[str]) -> list[JudgedFinding | str]:
    """The judged findings; in place of one that cannot be judged its name and the reason."""
    asked = asked_of(context, pairs)
    found: list[JudgedFinding | str] = [
        f"{question.name}: too few images: {question.reason}"
        for question in asked
        if question.reason
    ]
    able = [question for question in asked if not question.reason]
    if not able:
        return found
    try:
        kinds = judge_kinds(context, warnings)
    except SynthmedError as error:
        return [*found, *(f"{question.name}: {error}" for question in able)]
    for question in able:
        context.progress(f"judging {question.name} before and after")
        try:
            found.append(judge_finding(question, context, pairs, kinds))
        except SynthmedError as error:
            found.append(f"{question.name}: {error}")
    return found


def _of_set(
    domains: tuple[Any, Any],
    context: Context,
    pairs: Pairs,
    values: ByImage,
    findings: list[JudgedFinding | str],
) -> dict[str, Any]:
    """What is measured of one pair of domains."""
    source, target = map(str, domains)
    chosen = (pairs.source_domains == source) & (pairs.target_domains == target)
    parts: tuple[ByImage, npt.NDArray[np.bool_], npt.NDArray[np.str_], Any] = (
        values,
        chosen,
        pairs.groups,
        context.settings,
    )
    judged = [one for one in findings if isinstance(one, JudgedFinding)]
    return {
        "source_domain": source,
        "target_domain": target,
        "n": int(chosen.sum()),
        "patients": len(set(pairs.groups[chosen].tolist())),
        "structure": structure_of(*parts),
        "locality": locality_of(*parts),
        "lesions": lesions_of(*parts),
        "findings": [finding_of(one, context, pairs, chosen, values.partners) for one in judged],
        "not_judged": [one for one in findings if isinstance(one, str)],
        "prevalence": _prevalence(context, source, target),
    }


def _prevalence(context: Context, source: str, target: str) -> list[dict[str, Any]] | None:
    """Differences of prevalence between two domains; None where labels or domains are unknown."""
    if not source or not target:
        return None
    card = generator_card(context.settings.generator, context.synthetic) or {}
    rows = [row for row in context.real.rows if row.domain]
    found = prevalence_differences(card, source, target, rows)
    return [each.to_dict() for each in found] if found else None
