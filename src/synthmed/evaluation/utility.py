"""Utility: what the synthetic images are worth for training a classifier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from synthmed.errors import SafetyError, SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.overlap import generator_card
from synthmed.evaluation.sections import Light, Section
from synthmed.evaluation.sides import Side
from synthmed.evaluation.utility_parts.choosing import by_kind, real_parts
from synthmed.evaluation.utility_parts.labelled import Labelled
from synthmed.evaluation.utility_parts.options import options_of
from synthmed.evaluation.utility_parts.seen import UNKNOWN, seen_groups
from synthmed.evaluation.utility_parts.showing import (
    ADDED_RULE,
    added_rows,
    cell,
    helps,
    utility_lights,
    utility_plots,
    utility_tables,
)
from synthmed.evaluation.utility_parts.table import utility_table
from synthmed.evaluation.utility_parts.tasks import Task, labelled, tasks_of

__all__ = ["Labelled", "utility", "utility_table"]

KEY, TITLE = "utility", "Utility: what are the images worth for training?"
FEW_PATIENTS = 100
"""Below this many test patients the report warns."""


def utility(context: Context) -> Section:
    """Train classifiers on real and synthetic images, and test them on real ones.

    Runs only where `settings.utility_label` names what is to be told apart (`tasks_of`), with the
    settings `utility_classifier`, `utility_steps` and so on; on whom is said in `real_parts`.
    Several image types are measured each for itself (`by_kind`).

    Args:
        context: The compared sides.

    Returns:
        The section; `data["tasks"]` holds what `utility_table` gave for each task. Where nothing
        can be measured, a grey light says why.

    Raises:
        SafetyError: The generator saw test patients.
    """
    column = context.settings.utility_label
    if not column:
        why = "Not asked for: name a label or another column to train classifiers of."
        return Section(KEY, TITLE, why, {"asked": None, "not_measurable": why})
    seen = seen_groups(generator_card(context.settings.generator, context.synthetic))
    try:
        found, left_out, how = _measured(context, column, seen)
    except SafetyError:
        raise
    except SynthmedError as error:
        light = Light(f"Synthetic added to real: {column}", "grey", ADDED_RULE, str(error))
        data = {"asked": column, "not_measurable": str(error)}
        return Section(KEY, TITLE, f"Not measurable: {error}", data, lights=[light])
    section = Section(KEY, TITLE, _summary(found), {"asked": column, "tasks": found})
    for number, (name, data) in enumerate(found.items()):
        section.tables += utility_tables(name, data)
        section.lights += utility_lights(name, data)
        section.plots += utility_plots(f"auroc-{number}", name, data)
    section.warnings += [*left_out, *_warnings(found, seen)]
    section.methods += _methods(context, how)
    return section


def _measured(
    context: Context, column: str, seen: frozenset[str] | None
) -> tuple[dict[str, Any], list[str], str]:
    """What every task gave, what was left out, and how real images were chosen."""
    train, test, how = real_parts(context)
    kinds, left_out = by_kind(column, train, test, context.synthetic)
    found: dict[str, Any] = {}
    for kind, sides in kinds.items():
        about = f"{kind}: " if kind else ""
        try:
            tasks, missing = tasks_of(column, *(side.rows for side in sides))
        except SynthmedError as error:
            if len(kinds) == 1:
                raise
            left_out.append(f"{about}{error}")
            continue
        left_out += [f"{about}{text}" for text in missing]
        for task in tasks:
            found[f"{about}{task.name}"] = _measure(context, task, sides, seen)
    if not found:
        raise SynthmedError("; ".join(left_out))
    return found, left_out, how


def _measure(
    context: Context, task: Task, sides: tuple[Side, ...], seen: frozenset[str] | None
) -> dict[str, Any]:
    train, test = (labelled(side, task) for side in sides[:2])
    made = labelled(sides[2], task, seen)
    if len(kinds := set(train.kinds.tolist())) == 1:  # made images of unknown type are of this one
        made = replace(made, kinds=np.where(made.kinds == "", kinds.pop(), made.kinds))
    return utility_table(
        train,
        test,
        made,
        labels=task.classes,
        bootstraps=context.settings.bootstraps,
        seed=context.settings.seed,
        store=getattr(context.extract, "folder", None),
        progress=lambda text: context.progress(f"{task.name}: {text}"),
        **options_of(context.settings),
    )


def _summary(found: dict[str, Any]) -> str:
    """The row that the light judges, beside real images alone, for each task."""
    parts = []
    for name, data in found.items():
        base = next(row for row in data["rows"] if row["design"] == data["baseline"])
        text = f"{name}: AUROC {cell(base['scores']['auroc'])} with real images alone"
        if rows := added_rows(data):
            difference = rows[0]["differences"][data["baseline"]]["auroc"]
            text += f", {rows[0]['design']} changes it by {cell(difference)}"
        parts.append(text)
    return "; ".join(parts) + "."


def _warnings(found: dict[str, Any], seen: frozenset[str] | None) -> list[str]:
    warnings = []
    if seen is None:
        warnings.append(
            f"{UNKNOWN}: whether it saw the test patients, or more images than the rows say, "
            "cannot be checked"
        )
    for name, data in found.items():
        if data["test"]["patients"] < FEW_PATIENTS:
            warnings.append(f"{name}: only {data['test']['patients']} test patients")
        if len(data["seeds"]) == 1:
            warnings.append(f"{name}: one training seed, so intervals are of test patients alone")
        if any(row["synthetic"] and row["synthetic"]["ratio"] < 1 for row in data["rows"]):
            warnings.append(f"{name}: there are fewer synthetic than real images")
        shuffled = (row for row in data["rows"] if row["shuffled"])
        if any(helps(row["differences"][data["baseline"]]["auroc"]) for row in shuffled):
            warnings.append(f"{name}: the control failed, shuffled synthetic labels seem to help")
    return warnings


def _methods(context: Context, how: str) -> list[str]:
    options = options_of(context.settings)
    seeds = ", ".join(map(str, options["seeds"]))
    return [
        f"Classifiers {options['classifier']}, {options['steps']} steps of "
        f"{options['batch_size']} images for every row (twice as many in the control that says "
        f"so), AdamW, cosine schedule; seeds {seeds}; {how}.",
        "Each batch draws the classes evenly; images are changed only by what is safe for their "
        "type. Nothing is chosen on validation images: the weights after the last step are used.",
        f"Intervals: {context.settings.bootstraps} bootstrap draws (seed {context.settings.seed}) "
        "of test patients and, within each draw, of training seeds (n - 1 of n; Rao and Wu 1988), "
        "expanded percentiles (Hesterberg 2015); differences are paired. The standard deviation "
        "over seeds is of the score on the whole test set.",
        "The design follows MediSyn (arXiv:2405.09806): real, more real, real and synthetic, "
        "synthetic alone.",
    ]
