"""What rows and prompts say."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthmed.datasets.rows import Row
from synthmed.evaluation.facts import ABSENT, facts_of


def row(kind="chest X-ray", prompt="", **columns) -> Row:
    made = Row(Path("x.png"), "x.png", "test", "g", image_type=kind, **columns)
    made.extra["prompt"] = prompt
    return made


@pytest.mark.parametrize(
    ("prompt", "view", "sex", "age"),
    [
        ("chest X-ray, AP view, effusion, 56-year-old woman", "AP view", "F", 56.0),
        ("chest X-ray, supine AP view", "AP view", "", None),
        ("posteroanterior chest film of a male patient aged 71", "PA view", "M", 71.0),
        ("CXR of a woman in her fifties, lateral view", "lateral view", "F", 55.0),
        ("chest X-ray of a boy of 7 years", "", "M", 7.0),
        ("chest X-ray, PA and AP view", "", "", None),  # two views: none is certain
        ("chest X-ray with bilateral effusion, 95-year-old patient", "", "", 90.0),
        ("chest X-ray, a man and a woman", "", "", None),
    ],
)
def test_prompts_are_read(prompt, view, sex, age) -> None:
    found = facts_of(row(prompt=prompt), stated=True)
    assert (found.view, found.sex, found.age) == (view, sex, age)
    blind = facts_of(row(prompt=prompt), stated=False)
    assert (blind.view, blind.sex, blind.age) == ("", "", None)


def test_columns_come_first() -> None:
    said = row(prompt="chest X-ray, PA view, 30-year-old man", view="AP Supine", sex="F", age=60.0)
    found = facts_of(said, stated=True)
    assert (found.view, found.sex, found.age) == ("AP view", "F", 60.0)


def test_sequences_of_brains_only() -> None:
    said = "brain MRI, T1 with contrast, lesion"
    assert facts_of(row("brain MRI", said), stated=True).sequence == "T1 post-contrast"
    assert facts_of(row("brain MRI", "brain MRI, FLAIR"), stated=True).sequence == "FLAIR"
    assert facts_of(row("dermatoscopy", said), stated=True).sequence == ""
    brain = row("brain MRI")
    brain.extra["sequence"] = "flair"
    assert facts_of(brain, stated=False).sequence == "FLAIR"


def test_labels_have_one_name_each_and_none_is_unknown() -> None:
    assert facts_of(row(labels=("No_Finding",)), stated=False).labels == {ABSENT}
    assert facts_of(row(labels=("normal",)), stated=False).labels == {ABSENT}
    assert facts_of(row(labels=("Pleural_Thickening",)), stated=False).labels == {
        "pleural thickening"
    }
    assert facts_of(row(), stated=True).labels is None
