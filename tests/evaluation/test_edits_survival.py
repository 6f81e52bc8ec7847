"""Findings survive: painted into every image or wiped from all, no order of scores betrays it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from synthmed.evaluation.context import Settings
from synthmed.evaluation.edits_answers import answers, decided
from synthmed.evaluation.edits_findings import JudgedFinding
from synthmed.evaluation.edits_survival import finding_of
from synthmed.evaluation.edits_words import lights

COUNT = 120
PARTNERS = np.roll(np.arange(COUNT), 31)  # an odd shift: also the other answer


def survival(shift: float, target: float = 0.0, edits: Any = None) -> dict[str, Any]:
    """A finding of sources in "a", of which edits to "b" shift every score; "b" has its own."""
    rng = np.random.default_rng(0)
    truth = np.arange(2 * COUNT) % 2
    scores = truth * 4.0 + rng.normal(size=2 * COUNT)
    scores[COUNT:] += target
    made = scores[:COUNT] + shift if edits is None else edits(scores[:COUNT])
    question: Any = SimpleNamespace(kind="", answer="nodule", real=truth)
    every = np.arange(2 * COUNT)
    found = JudgedFinding(
        question, ("j",), ("i", "p"), truth, every, scores[:, None], np.asarray(made)[:, None]
    )
    groups = np.asarray([f"p{i}" for i in every])
    rows = [SimpleNamespace(domain="a" if i < COUNT else "b") for i in every]
    real = SimpleNamespace(rows=rows, groups=groups)
    context: Any = SimpleNamespace(real=real, settings=Settings(bootstraps=200))
    pairs: Any = SimpleNamespace(
        sources=np.arange(COUNT),
        edits=np.arange(COUNT),
        groups=groups[:COUNT],
        source_domains=np.full(COUNT, "a"),
        target_domains=np.full(COUNT, "b"),
    )
    return finding_of(found, context, pairs, np.ones(COUNT, dtype=bool), PARTNERS)


def light(*found: dict[str, Any]) -> Any:
    one = {"source_domain": "a", "target_domain": "b", "structure": None, "lesions": None}
    return lights({"sets": [{**one, "findings": found, "prevalence": None}]})[1]


def test_exact_edits_are_green_and_other_patients_flagged() -> None:
    found = survival(0.0)
    assert (found["state"], found["control_flagged"]) == ("green", True)
    assert found["identity"]["value"] == 0
    assert found["control"]["lost"]["low"] > 0.2
    assert light(found).state == "green"


@pytest.mark.parametrize(("shift", "by"), [(6.0, "invented"), (-6.0, "lost")])
def test_a_shift_of_all_scores_is_red(shift: float, by: str) -> None:
    found = survival(shift)
    assert found["difference"]["low"] == found["difference"]["value"] == 0
    assert (found["state"], found["decided_by"]) == ("red", by)
    assert found[by]["value"] > 0.9
    shown = light(survival(0.0), found)
    assert shown.state == "red"
    assert shown.reason.startswith(f"a to b, nodule: {by} 1.00")


def test_where_the_target_shifts_the_judge_too_nothing_is_invented() -> None:
    """Real images of the target have higher scores, with and without it: so may edits have."""
    found = survival(6.0, target=6.0)
    assert found["state"] == "green"
    assert survival(0.0, target=6.0)["decided_by"] == "lost"


def test_shares_between_are_amber() -> None:
    def some(scores: Any) -> Any:
        even = np.flatnonzero(np.arange(COUNT) % 2 == 0)
        scores = scores.copy()
        scores[even[: len(even) // 5]] += 1.5
        scores[even[: len(even) // 6]] += 3
        return scores

    found = survival(0.0, edits=some)
    assert (found["state"], found["decided_by"]) == ("amber", "invented")
    assert found["invented"]["low"] < 0.2 < found["invented"]["high"]


@pytest.mark.parametrize(
    ("lost", "invented", "difference", "expected"),
    [
        ((0, 0.2), (0, 0.1), (-0.04, 0.0), ("green", "lost")),
        ((0, 0.21), (0, 0.1), (-0.04, 0.0), ("amber", "lost")),
        (None, (0, 0.1), (-0.04, 0.0), ("amber", "lost")),
        ((0, 0.1), (0.2, 0.6), (-0.04, 0.0), ("amber", "invented")),
        ((0, 0.1), (0.21, 0.6), (-0.04, 0.0), ("red", "invented")),
        ((0, 0.1), (0, 0.1), (-0.2, -0.06), ("red", "difference")),
        ((0, 0.1), (0, 0.1), (-0.2, 0.0), ("amber", "difference")),
        ((0.3, 0.6), (0.4, 0.5), (-0.2, -0.1), ("red", "invented")),
        ((0, 0.1), (0, 0.1), None, ("grey", "difference")),
    ],
)
def test_the_rule(lost: Any, invented: Any, difference: Any, expected: tuple[str, str]) -> None:
    def ends(pair: Any) -> Any:
        return None if pair is None else {"low": pair[0], "high": pair[1]}

    shares = {"lost": ends(lost), "invented": ends(invented)}
    assert decided(ends(difference), shares) == expected


def test_none_of_few_patients_is_no_proof() -> None:
    """A share of 0 has a bootstrap interval of no width, of four patients as of a thousand."""
    for count, most in ((8, 0.5), (200, 0.04)):
        truth = np.arange(count) % 2
        told = truth[:, None] == 1
        groups = np.asarray([f"p{i}" for i in range(count)])
        found = answers(truth, told, told, groups, Settings(bootstraps=50))
        assert found["lost"]["value"] == 0
        assert most / 2 < found["lost"]["high"] <= most
    assert answers(truth[:6], told[:6], told[:6], groups[:6], Settings())["lost"] is None
