"""What columns ask for: classes, several labels, ages, single labels."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.tasks import age_band, labelled, tasks_of


def side(make_side, labels, **more):
    return make_side("real", np.zeros((len(labels), 1, 4, 4)), labels=labels, **more)


def test_one_label_a_row_is_one_task(make_side) -> None:
    rows = side(make_side, [["Melanoma"], ["nevus"]] * 6 + [[]] * 3 + [["rare"]] * 2).rows
    (task,), left_out = tasks_of("labels", rows, rows)
    assert task.classes == ("melanoma", "nevus")
    assert task.numbers(rows).tolist() == [0, 1] * 6 + [-1] * 5
    assert left_out == ["labels: too few images of rare"]


def test_several_labels_are_a_task_each(make_side) -> None:
    rows = side(make_side, [["edema", "Effusion"], ["No_Finding"], ["edema"], []] * 5).rows
    tasks, _ = tasks_of("labels", rows)
    assert [task.name for task in tasks] == ["label edema", "label effusion", "label no finding"]
    edema = tasks[0]
    assert edema.classes == ("no edema", "edema")
    assert edema.numbers(rows[:4]).tolist() == [1, 0, 1, -1]  # no label at all is unknown


def test_a_single_label_can_be_asked_for(make_side) -> None:
    rows = side(make_side, [["benign"], ["malignant"], ["normal"]] * 5).rows
    (task,), _ = tasks_of("Malignant", rows)
    assert task.classes == ("no malignant", "malignant")
    assert task.numbers(rows[:3]).tolist() == [0, 1, 0]


def test_attributes_ages_and_other_columns(make_side) -> None:
    real = side(make_side, [[]] * 12, sexes=["F", "M"] * 6, ages=[20, 70] * 6)
    for i, row in enumerate(real.rows):
        row.extra["scanner"] = "AB"[i % 2]
    for column, classes in (
        ("sex", ("f", "m")),
        ("age", ("18-39 years", "60 years and above")),
        ("scanner", ("a", "b")),
    ):
        (task,), _ = tasks_of(column, real.rows)
        assert task.classes == classes
        assert task.numbers(real.rows[:2]).tolist() == [0, 1]


def test_a_class_must_be_in_every_set(make_side) -> None:
    three = side(make_side, [["a"], ["b"], ["c"]] * 6).rows
    two = side(make_side, [["a"], ["b"]] * 6).rows
    (task,), left_out = tasks_of("labels", three, three, two)
    assert task.classes == ("a", "b")
    assert left_out == ["labels: too few images of c"]
    with pytest.raises(SynthmedError, match="fewer than two classes"):
        tasks_of("labels", three, side(make_side, [["a"]] * 6).rows)


def test_an_unknown_column_is_named(make_side) -> None:
    with pytest.raises(SynthmedError, match="no column and no label is called 'colour'"):
        tasks_of("colour", side(make_side, [["a"], ["b"]] * 6).rows)


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (None, ""),
        (float("nan"), ""),
        (0, "0-17 years"),
        (17.9, "0-17 years"),
        (18, "18-39 years"),
        (90, "60 years and above"),
    ],
)
def test_bands_of_age(age, band) -> None:
    assert age_band(age) == band


def test_rows_of_unknown_class_are_left_out_and_attributes_kept(make_side) -> None:
    real = side(
        make_side,
        [["a"], ["b"], []] * 5,
        sexes=["F", "M", "F"] * 5,
        groups=[f"clinic:{i}" for i in range(15)],
    )
    (task,), _ = tasks_of("labels", real.rows)
    found = labelled(real, task)
    assert len(found) == 10
    assert found.attributes["sex"].tolist() == ["F", "M"] * 5
    assert set(found.attributes["source"]) == {"clinic"}
    (sexes,), _ = tasks_of("sex", real.rows)
    assert "sex" not in labelled(real, sexes).attributes
