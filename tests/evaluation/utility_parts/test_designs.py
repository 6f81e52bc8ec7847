"""Designs: whole patients, nested shares, equal steps."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.designs import (
    Design,
    headline,
    shuffled_labels,
    some_images,
    some_patients,
    standard,
)
from synthmed.evaluation.utility_parts.runs import Chosen, phases_of


def test_shares_are_of_whole_patients_of_every_class_and_nested(make_set) -> None:
    side = make_set(120, 0, classes=3, per_patient=4)
    before: set[int] = set()
    for share in (0.1, 0.5, 0.8, 1.0):
        rows = some_patients(side, share, seed=5)
        taken = set(side.groups[rows])
        assert len(rows) == sum(np.isin(side.groups, list(taken)))  # nobody is cut in two
        assert len(rows) == pytest.approx(share * 120, abs=12)
        assert set(side.labels[rows]) == {0, 1, 2}
        assert before <= set(rows.tolist())
        before = set(rows.tolist())
    assert set(some_patients(side, 0.5, 5)) != set(some_patients(side, 0.5, 6))


def test_synthetic_draws_keep_the_classes_and_are_nested(make_set) -> None:
    side = make_set(90, 0, classes=3)
    one, two = some_images(side, 30, 1), some_images(side, 60, 1)
    assert np.bincount(side.labels[one]).tolist() == [10, 10, 10]
    assert set(one) < set(two)
    assert len(some_images(side, 500, 1)) == 90


def test_shuffling_keeps_frequencies_only(make_set) -> None:
    labels = make_set(100, 0).labels
    mixed = shuffled_labels(labels, 3)
    assert np.bincount(mixed).tolist() == np.bincount(labels).tolist()
    assert 0.3 < (mixed == labels).mean() < 0.7


@pytest.mark.parametrize("design", [*headline(), *standard()], ids=lambda design: design.name)
def test_every_design_has_the_same_steps_unless_it_says_so(design: Design, make_set) -> None:
    real, made = make_set(20, 0), make_set(80, 1, name="s")
    chosen = Chosen(
        None if design.way == "synthetic" else real, None if design.way == "real" else made
    )
    phases = phases_of(design, chosen, 101, seed=0)
    assert sum(phase.steps for phase in phases) == 101 * design.times
    assert all(sum(phase.shares) == pytest.approx(1) for phase in phases)


def test_mixing_draws_synthetic_images_at_the_ratio(make_set) -> None:
    real, made = make_set(20, 0), make_set(80, 1, name="s")
    design = Design("x", "together", synthetic="synthetic", ratio=4)
    (phase,) = phases_of(design, Chosen(real, made), 10, 0)
    assert phase.shares == pytest.approx([0.2, 0.8])
    first, last = phases_of(
        Design("x", "synthetic then real", synthetic="s", ratio=4), Chosen(real, made), 10, 0
    )
    assert first.sides[0] is made
    assert last.sides[0] is real
    shuffled = Design("x", "together", synthetic="s", ratio=4, shuffled=True)
    (control,) = phases_of(shuffled, Chosen(real, made), 10, 0)
    assert control.sides[0] is real
    assert (control.sides[1].labels != made.labels).any()


def test_the_headline_names_what_medisyn_compared() -> None:
    names = [design.name for design in headline()]
    assert names == [
        "real N",
        "real 2N",
        "real N + synthetic",
        "synthetic only",
        "synthetic then real N",
        "real N, twice as long",
        "real N + synthetic, labels shuffled",
    ]
    assert [design.control for design in headline()] == [False] * 5 + [True] * 2
    report = standard()
    assert {d.fraction for d in report} == {0.1, 0.5, 1.0}
    assert {1.0, 2.0, 4.0} <= {d.ratio for d in report}
    assert len({d.name for d in report}) == len(report)


@pytest.mark.parametrize(
    "wrong",
    [
        {"way": "real", "fraction": 0},
        {"way": "real", "fraction": 1.5},
        {"way": "real", "times": 0},
        {"way": "real", "synthetic": "s", "ratio": 1},
        {"way": "together"},
        {"way": "synthetic", "synthetic": "s"},
    ],
)
def test_designs_without_meaning_are_refused(wrong) -> None:
    with pytest.raises(SynthmedError):
        Design("x", **wrong)
