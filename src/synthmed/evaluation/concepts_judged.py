"""Which concepts can be judged: those that real and synthetic rows both state often enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.facts import ABSENT, Facts, all_facts
from synthmed.evaluation.sides import Side

FEWEST_REAL, FEWEST_GROUPS, FEWEST_SYNTHETIC = 20, 8, 10
"""Images, and groups, of each answer on the real side; images of each on the synthetic side."""
MOST = 40
"""Concepts that are judged, those with most synthetic images first."""
ASPECTS = ("label", "view", "sequence", "sex")

Answers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """A concept that an image shows or does not show.

    Attributes:
        aspect: "type", "modality", "label", "view", "sequence" or "sex".
        answer: What is positive, for example "effusion".
        kind: The image type within which it is asked; "" for all types.
        real: (N,) of the real rows: 1, 0, or -1 where it is unknown or not asked.
        synthetic: (M,) of the synthetic rows.
        reason: Why it cannot be judged; "" where it can.
    """

    aspect: str
    answer: str
    kind: str
    real: Answers
    synthetic: Answers
    reason: str = ""

    @property
    def name(self) -> str:
        """For people: "chest X-ray, label effusion"."""
        place = f"{self.kind}, " if self.kind else ""
        return f"{place}{self.aspect} {self.answer}"


def questions(real: Side, synthetic: Side) -> list[Question]:
    """Find the concepts that synthetic rows state, and whether each can be judged.

    A concept is judged where each answer has 20 real images of 8 groups and 10 synthetic images.
    Of two answers that are each other's opposite one is asked. A row without labels is unknown,
    not negative.

    Args:
        real: Real images; columns alone count.
        synthetic: Synthetic images; what columns leave open is read from the prompt.

    Returns:
        Types first, then the concepts of each type; `Question.reason` says why one cannot be
        judged.
    """
    facts = all_facts(real.rows, stated=False), all_facts(synthetic.rows, stated=True)
    kinds = [str(kind) for kind in real.kinds], [str(kind) for kind in synthetic.kinds]
    found = _of_values("type", "", kinds, (real, synthetic))
    modalities = [fact.modality for fact in facts[0]], [fact.modality for fact in facts[1]]
    found += _of_values("modality", "", modalities, (real, synthetic))
    for kind in sorted(set(real.kinds) & set(synthetic.kinds)):
        inside = real.kinds == kind, synthetic.kinds == kind
        found += _of_labels(str(kind), facts, inside, (real, synthetic))
        for aspect in ASPECTS[1:]:
            values = [
                [
                    getattr(fact, aspect) if here else ""
                    for fact, here in zip(side, mask, strict=True)
                ]
                for side, mask in zip(facts, inside, strict=True)
            ]
            both = values[0], values[1]
            found += _of_values(aspect, str(kind), both, (real, synthetic))
    return _without_twins(found)


def _of_values(
    aspect: str, kind: str, values: tuple[list[str], list[str]], sides: tuple[Side, Side]
) -> list[Question]:
    """Questions about a column of one value a row; "" is unknown."""
    asked = sorted(set(values[1]) - {""})
    if len(asked) < 2:
        return []
    return [
        _question(aspect, value, kind, _is(values[0], value), _is(values[1], value), sides)
        for value in asked
    ]


def _of_labels(
    kind: str,
    facts: tuple[list[Facts], list[Facts]],
    inside: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
    sides: tuple[Side, Side],
) -> list[Question]:
    """Questions about labels, of which a row may have several."""
    labels = [
        [fact.labels if here else None for fact, here in zip(side, mask, strict=True)]
        for side, mask in zip(facts, inside, strict=True)
    ]
    counts = Counter(label for each in labels[1] if each for label in each)
    asked = sorted(counts, key=lambda label: (label == ABSENT, label))
    return [
        _question("label", label, kind, _has(labels[0], label), _has(labels[1], label), sides)
        for label in asked
    ]


def _column(facts: list[Facts], inside: npt.NDArray[np.bool_], aspect: str) -> list[str]:
    """A column of the rows of one type, "" for those of other types."""
    return [
        str(getattr(fact, aspect)) if here else "" for fact, here in zip(facts, inside, strict=True)
    ]


def _is(values: Sequence[str], value: str) -> Answers:
    return np.asarray([-1 if each == "" else int(each == value) for each in values], np.int64)


def _has(labels: Sequence[frozenset[str] | None], label: str) -> Answers:
    return np.asarray([-1 if each is None else int(label in each) for each in labels], np.int64)


def _question(
    aspect: str, answer: str, kind: str, real: Answers, synthetic: Answers, sides: tuple[Side, Side]
) -> Question:
    """Make a question, with the reason why it cannot be judged."""
    reasons = []
    for value, word in ((1, "with it"), (0, "without it")):
        n, groups = int((real == value).sum()), len(set(sides[0].groups[real == value]))
        if n < FEWEST_REAL or groups < FEWEST_GROUPS:
            reasons.append(f"{n} real images of {groups} groups {word}")
        made = int((synthetic == value).sum())
        if made < FEWEST_SYNTHETIC:
            reasons.append(f"{made} synthetic images {word}")
    return Question(aspect, str(answer), kind, real, synthetic, "; ".join(reasons))


def _without_twins(found: list[Question]) -> list[Question]:
    """Leave out a question whose answers are those of an earlier one, or their opposites."""
    kept: list[Question] = []
    seen: set[tuple[str, bytes, bytes]] = set()
    for question in found:
        sides = question.real, question.synthetic
        same = tuple(side.tobytes() for side in sides)
        other = tuple(np.where(side < 0, side, 1 - side).tobytes() for side in sides)
        if (question.kind, *same) in seen or (question.kind, *other) in seen:
            continue
        seen.add((question.kind, same[0], same[1]))
        kept.append(question)
    return kept
