"""Which concepts are asked."""

from __future__ import annotations

import numpy as np

from synthmed.evaluation.concepts_judged import questions

IMAGE = np.zeros((1, 1, 16, 16))


def side(make_side, name, labels, groups=None, **columns):
    n = len(labels)
    groups = groups or [f"{name}{i}" for i in range(n)]
    return make_side(name, np.repeat(IMAGE, n, axis=0), groups=groups, labels=labels, **columns)


def asked(found):
    return {question.name: question.reason for question in found}


def test_a_row_without_labels_is_unknown_not_negative(make_side) -> None:
    labels = [("effusion",)] * 25 + [("mass",)] * 25 + [()] * 10
    sides = (side(make_side, name, labels) for name in ("real", "synthetic"))
    question = questions(*sides)[0]
    assert question.name == "chest X-ray, label effusion"
    assert question.real.tolist() == [1] * 25 + [0] * 25 + [-1] * 10


def test_opposites_are_asked_once_and_findings_before_their_absence(make_side) -> None:
    labels = [("lesion",)] * 25 + [("No Finding",)] * 25
    sides = (side(make_side, name, labels) for name in ("real", "synthetic"))
    assert asked(questions(*sides)) == {"chest X-ray, label lesion": ""}


def test_too_few_images_or_patients_are_named(make_side) -> None:
    labels = [("effusion",)] * 25 + [("mass",)] * 25 + [("edema", "mass")] * 5
    few = [f"p{i % 4}" for i in range(25)] + [f"q{i}" for i in range(30)]
    real = side(make_side, "real", labels, few)
    made = side(make_side, "synthetic", labels)
    found = asked(questions(real, made))
    assert "25 real images of 4 groups with it" in found["chest X-ray, label effusion"]
    assert "5 real images" in found["chest X-ray, label edema"]
    assert "5 synthetic images with it" in found["chest X-ray, label edema"]


def test_what_nobody_asked_for_is_not_judged(make_side) -> None:
    real = side(make_side, "real", [("effusion",)] * 25 + [("mass",)] * 25)
    made = side(make_side, "synthetic", [("mass",)] * 20)
    found = asked(questions(real, made))
    assert list(found) == ["chest X-ray, label mass"]
    assert "0 synthetic images without it" in found["chest X-ray, label mass"]


def test_several_labels_of_a_row_count_each(make_side) -> None:
    labels = [("effusion", "mass")] * 20 + [("mass",)] * 20 + [("edema",)] * 20
    sides = (side(make_side, name, labels) for name in ("real", "synthetic"))
    found = {question.answer: int((question.real == 1).sum()) for question in questions(*sides)}
    assert found == {"edema": 20, "effusion": 20}  # mass is the opposite of edema
