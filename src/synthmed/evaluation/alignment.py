"""Section "alignment": do synthetic images show what their prompts say?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation import alignment_tables as tables
from synthmed.evaluation import alignment_words as words
from synthmed.evaluation.concept_judges import JudgeKind, judge_kinds
from synthmed.evaluation.concepts_judged import MOST, Question, questions
from synthmed.evaluation.context import Context
from synthmed.evaluation.facts import all_facts
from synthmed.evaluation.judged_ages import judge_ages
from synthmed.evaluation.judged_estimates import sampled
from synthmed.evaluation.judged_subgroups import subgroup_names, subgroup_rows
from synthmed.evaluation.judged_texts import judge_texts
from synthmed.evaluation.judged_types import type_accuracy
from synthmed.evaluation.judging import Judged, Part, judge
from synthmed.evaluation.sections import Section

LARGEST = 2000
"""Images a side of a type, and of all types together, that judges learn from and judge."""


def alignment(context: Context) -> Section:
    """Measure whether synthetic images show what they were asked to show.

    Per concept that real and synthetic rows state (image type, modality, label, view, sequence,
    sex, age) judges learn from real images; the same figures on real patients whom the judges
    have not seen are the ceiling, shuffled answers the control. With `settings.text_model` also
    CLIP score and retrieval.

    Args:
        context: The compared sides and settings.

    Returns:
        The section "alignment": `concepts`, `types`, `ages`, `subgroups`, `text_image`.

    Raises:
        SafetyError: No judge is independent of the synthetic set's quality filter.
        SynthmedError: The extractor or the image-text model is not there.
    """
    warnings: list[str] = []
    judges = judge_kinds(context, warnings)
    asked = questions(context.real, context.synthetic)
    chosen = _chosen(asked, warnings)
    groups = context.real.groups, context.synthetic.groups
    judged, ages = [], []
    stated = _ages(context)
    kinds = sorted({str(kind) for kind in context.synthetic.kinds})
    for kind in dict.fromkeys(["", *kinds]):
        here = [question for question in chosen if question.kind == kind]
        has_ages = bool(kind or kinds == [""]) and _any_age(stated[1], context, kind)
        if not here and not has_ages:
            continue
        part = _part(context, kind, judges, warnings)
        for question in here:
            context.progress(f"judging {question.name}")
            judged.append(judge(question, part, judges, groups, context.settings))
        age = judge_ages(kind, part, stated, judges, groups, context.settings) if has_ages else None
        ages += [age] if age else []
    known = {one.name: {"id": one.id, "preprocessing": one.preprocessing} for one in judges}
    data = {
        "judges": known,
        "concepts": [*(one.entry for one in judged), *_left_out(asked)],
        "types": type_accuracy(judged, context),
        "ages": ages,
        "subgroups": _subgroups(judged, context),
        "text_image": _texts(context, warnings),
    }
    return Section(
        key="alignment",
        title="True to the prompts",
        summary=words.summary(data),
        data=data,
        tables=tables.all_tables(data),
        lights=words.lights(data),
        plots=tables.plots(data),
        warnings=warnings,
        methods=words.methods(data, context.settings),
    )


def _chosen(asked: Sequence[Question], warnings: list[str]) -> list[Question]:
    """The questions that can be judged, not more than `MOST`."""
    able = [question for question in asked if not question.reason]
    if len(able) > MOST:
        able.sort(key=lambda question: -int((question.synthetic == 1).sum()))
        warnings.append(
            f"{len(able)} concepts could be judged; the {MOST} with most synthetic images were"
        )
    return able[:MOST]


def _left_out(asked: Sequence[Question]) -> list[dict[str, Any]]:
    """What stands in the report for concepts with too few images."""
    blank = dict.fromkeys(("real", "synthetic", "difference", "shuffled", "shuffled_difference"))
    return [
        {
            "concept": question.name,
            "aspect": question.aspect,
            "answer": question.answer,
            "image_type": question.kind or None,
            "judges": {},
            **blank,
            "state": "grey",
            "not_measurable": f"too few images: {question.reason}",
        }
        for question in asked
        if question.reason
    ]


def _part(context: Context, kind: str, judges: Sequence[JudgeKind], warnings: list[str]) -> Part:
    """The rows of one type, or of all, with the features of all judges."""
    chosen = []
    for side in (context.real, context.synthetic):
        rows = np.flatnonzero(side.kinds == kind) if kind else np.arange(len(side))
        few = rows[sampled(side.groups[rows], LARGEST, context.settings.seed)]
        if len(few) < len(rows):
            what = f"{kind or 'of all types'}: {len(few)} of {len(rows)} {side.name} images"
            warnings.append(f"{what} were judged, drawn by group")
        chosen.append(few)
    context.progress(f"features of {kind or 'all types'} for the judges")
    features = {
        judge.name: (
            judge.features(context.real, chosen[0], kind),
            judge.features(context.synthetic, chosen[1], kind),
        )
        for judge in judges
    }
    return Part(chosen[0], chosen[1], features)


def _ages(context: Context) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Ages of real rows, and those that synthetic rows or their prompts state; NaN: unknown."""
    sides = (context.real, False), (context.synthetic, True)
    found = [
        np.asarray(
            [np.nan if fact.age is None else fact.age for fact in all_facts(side.rows, stated=said)]
        )
        for side, said in sides
    ]
    return found[0], found[1]


def _any_age(ages: npt.NDArray[np.float64], context: Context, kind: str) -> bool:
    return bool(np.isfinite(ages[context.synthetic.kinds == kind]).any())


def _subgroups(judged: Sequence[Judged], context: Context) -> list[dict[str, Any]]:
    names = (
        subgroup_names(context.real, stated=False),
        subgroup_names(context.synthetic, stated=True),
    )
    whole = ("type", "modality")
    measured = [one for one in judged if one.judges and one.question.aspect not in whole]
    return subgroup_rows(measured, names, context.settings)


def _texts(context: Context, warnings: list[str]) -> dict[str, Any]:
    if context.settings.text_model is None:
        return {"not_measurable": "no image-text model was named (--text-model)"}
    context.progress("CLIP score and retrieval")
    try:
        return judge_texts(context, warnings)
    except SynthmedError as error:  # the model is not there: the judges' part stands all the same
        warnings.append(f"no CLIP score: {error}")
        return {"not_measurable": str(error)}
