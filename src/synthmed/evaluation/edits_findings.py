"""Whether findings survive an edit: the same judge before and after, on patients new to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.concept_judges import JudgeKind
from synthmed.evaluation.concepts_judged import Question, questions
from synthmed.evaluation.context import Context
from synthmed.evaluation.edits_pairing import Index, Pairs
from synthmed.evaluation.judged_estimates import sampled
from synthmed.evaluation.judging import FOLDS
from synthmed.measures.cross_fitting import cross_fit, select

LARGEST = 2000
"""Real images that a judge learns from."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class JudgedFinding:
    """A finding with the scores of every judge, before any pair of domains is looked at.

    Attributes:
        question: The finding.
        judges: Names of the judges.
        ids: Ids of the judges and of their preprocessing.
        truth: (n,) whether each real image shows it, by its labels.
        rows: (n,) numbers of these real rows, rising.
        real: (n, judges) scores by judges that were fitted without the patient.
        edits: (N, judges) scores of the edits by the judges that were fitted without the source's
            patient; not-a-number for pairs whose source is not among `rows`.
    """

    question: Question
    judges: tuple[str, ...]
    ids: tuple[str, str]
    truth: npt.NDArray[np.int64]
    rows: Index
    real: Array
    edits: Array


def asked_of(context: Context, pairs: Pairs) -> list[Question]:
    """The findings that sources state often enough (`questions`), the edits counted by them."""
    made = context.synthetic.take(pairs.edits)
    rows = zip(made.rows, pairs.sources, strict=True)
    told = tuple(replace(row, labels=context.real.rows[i].labels) for row, i in rows)
    found = questions(context.real, replace(made, rows=told))
    return [question for question in found if question.aspect == "label"]


def judge_finding(
    question: Question, context: Context, pairs: Pairs, kinds: Sequence[JudgeKind]
) -> JudgedFinding:
    """Fit the judges of a finding on real images, and score sources and edits.

    Args:
        question: The finding; what it says of real rows counts.
        context: The compared sides.
        pairs: Edits and their sources.
        kinds: The judges.

    Raises:
        SynthmedError: No judge can be fitted.
    """
    known = np.flatnonzero(question.real >= 0)
    rows = known[sampled(context.real.groups[known], LARGEST, context.settings.seed)]
    truth, groups = question.real[rows], context.real.groups[rows]
    place = np.full(len(question.real), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    of_pair = place[pairs.sources]
    names, columns, problem = list[JudgeKind](), list[tuple[Array, Array]](), ""
    for kind in kinds:
        try:
            features = kind.features(context.real, rows, question.kind)
            crossed = cross_fit(kind.fit, features, truth, groups.tolist(), FOLDS)
            edits = np.full(len(pairs), np.nan)
            judged = np.flatnonzero(of_pair >= 0)
            if not len(judged):
                raise SynthmedError("no edit of an image whose label is known")
            told = kind.features(context.synthetic, pairs.edits[judged], question.kind)
            fold = crossed.fold[of_pair[judged]]
            for j, judge in enumerate(crossed.judges):
                if (fold == j).any():
                    edits[judged[fold == j]] = judge.scores(select(told, fold == j))
            names.append(kind)
            columns.append((crossed.held_out(features), edits))
        except SynthmedError as error:
            problem = str(error)
    if not names:
        raise SynthmedError(problem or "there is no judge")
    ids = " + ".join(k.id for k in names), " + ".join(k.preprocessing for k in names)
    real, made = (np.stack([column[i] for column in columns], axis=1) for i in (0, 1))
    return JudgedFinding(question, tuple(k.name for k in names), ids, truth, rows, real, made)
