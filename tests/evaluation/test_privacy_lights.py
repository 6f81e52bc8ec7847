"""The lights of the section on privacy: what turns them, and what they are made from."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.evaluation.context import Features
from synthmed.evaluation.privacy_data import rate as share
from synthmed.evaluation.privacy_distances import measure_distances
from synthmed.evaluation.privacy_lights import below_chance, lights
from synthmed.evaluation.privacy_neighbours import neighbours
from synthmed.evaluation.privacy_searches import Search
from synthmed.evaluation.privacy_sizes import equal_sizes


def rate(value, low, high, n=100):
    return {"value": value, "low": low, "high": high, "n": n}


def planted(found, **by_kind):
    """A self-test; `by_kind` names how many were found of a kind."""
    kinds = {name: {"found": k} for name, k in ({"exact": 8} | by_kind).items()}
    return {"found": found, "planted": 64, "recall": share(found, 64), "by_kind": kinds}


def kind_of(k=0, n=1000, alarms=3, held=300, test=None, **changes):
    """What was measured of a type: k copies among n images, and the false alarms."""
    return {
        "copy_rate": share(k, n),
        "false_alarms": share(alarms, held),
        "quantile": 0.01,
        "certain": 0,
        "searched_again": False,
        "self_test": test or planted(62),
    } | changes


def measured(*types, **changes):
    """Data of a section that passes, with some types; `changes` replace parts of it."""
    types = types or (kind_of(),)
    copies = sum(round(e["copy_rate"]["value"] * e["copy_rate"]["n"]) for e in types)
    alarms = sum(round(e["false_alarms"]["value"] * e["false_alarms"]["n"]) for e in types)
    data = {
        "copies": [{}] * copies,
        "equal_images": 0,
        "copy_rate": share(copies, sum(e["copy_rate"]["n"] for e in types)),
        "expected_by_chance": 1.0,
        "false_alarms": share(alarms, sum(e["false_alarms"]["n"] for e in types)),
        "self_test": {"found": 60, "planted": 64},
        "unsearched": {},
        "borrowed": {},
        "by_type": {f"type {i}": entry for i, entry in enumerate(types)},
        "training_groups": None,
        "closer_to_train": closer(0.45, 0.54, 0.8),
        "c_t": {**rate(-0.1, -2.0, 1.8), "n_train": 100},
        "membership": {
            "auroc": rate(0.51, 0.46, 0.56),
            "codec_auroc": rate(0.5, 0.45, 0.55),
            "n_train": 9,
            "n_holdout": 9,
        },
        "not_measurable": "because",
    }
    return data | changes


def closer(low, high, p, seen=1.0):
    found = rate((low + high) / 2, low, high)
    return {**found, "n_synthetic": 100, "p_value": p, "share_of_train": seen}


BLIND = planted(40)


@pytest.mark.parametrize(
    ("types", "changes", "state"),
    [
        ([kind_of()], {}, "green"),
        ([kind_of(8)], {}, "green"),
        ([kind_of(0, 60)], {}, "amber"),  # up to 6 % may be copies
        ([kind_of(30, 1000, 1, 100)], {}, "amber"),  # three times the false alarms
        ([kind_of(300, 10_000, 1, 60)], {}, "amber"),
        ([kind_of(200)], {}, "red"),
        ([kind_of(0, 1000), kind_of(20, 20)], {}, "red"),  # a whole small type is copied
        ([kind_of(), kind_of(certain=2)], {}, "red"),
        ([kind_of(test=BLIND)], {}, "grey"),
        ([kind_of(200, test=BLIND)], {}, "red"),
        ([kind_of()] * 6 + [kind_of(test=planted(0))], {}, "amber"),
        ([kind_of(test=planted(62, warped=0))], {}, "amber"),
        ([kind_of(), kind_of(0, 3, searched_again=True)], {}, "green"),
        ([kind_of(), kind_of(0, 3, searched_again=True, test=BLIND)], {}, "green"),
        ([kind_of(), kind_of(3, 3, searched_again=True)], {}, "red"),
        ([kind_of(test=BLIND)], {"equal_images": 1}, "red"),
        ([kind_of()], {"unsearched": {"knee": 3}}, "amber"),
        ([kind_of()], {"borrowed": {"knee": 3}}, "amber"),
        ([kind_of()], {"copy_rate": None}, "grey"),
    ],
)
def test_the_light_of_copies_judges_each_type(types, changes, state):
    assert lights(measured(*types, **changes))[0].state == state


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, "grey"),
        (closer(0.45, 0.54, 0.8), "green"),
        (closer(0.45, 0.56, 0.8), "amber"),
        (closer(0.52, 0.7, 0.001), "red"),
        (closer(0.52, 0.7, 0.02), "amber"),
        (closer(0.15, 0.25, 1e-4), "amber"),  # below one half: the sides are not alike
        (closer(0.45, 0.54, 0.8, seen=0.5), "amber"),  # half the copies would not show
        (closer(0.45, 0.52, 0.8, seen=0.5), "green"),
        (closer(0.48, 0.501, 0.8, seen=0.025), "grey"),
        (closer(0.51, 0.53, 0.001, seen=0.025), "red"),
    ],
)
def test_the_light_of_distances(found, state):
    assert lights(measured(closer_to_train=found))[1].state == state


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [(0.62, 0.7, "red"), (0.55, 0.65, "amber"), (0.5, 0.59, "green"), (0.2, 0.4, "amber")],
)
def test_the_light_of_membership(low, high, state):
    member = measured()["membership"] | {"auroc": rate((low + high) / 2, low, high)}
    assert lights(measured(membership=member))[2].state == state
    assert lights(measured(membership=None))[2].state == "grey"


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [(-9, -3, "red"), (-3, 1, "green"), (-5, -1, "amber"), (3, 8, "amber"), (-1, 3, "green")],
)
def test_the_light_of_data_copying(low, high, state):
    found = {**rate((low + high) / 2, low, high), "n_train": 100}
    assert lights(measured(c_t=found))[3].state == state
    assert lights(measured(c_t=None))[3].state == "grey"


@pytest.mark.parametrize(
    ("given", "strangers", "state"), [(96, 0, "green"), (90, 0, "amber"), (100, 20, "amber")]
)
def test_nothing_is_green_with_a_part_of_the_training_images(given, strangers, state):
    known = {"named": 100, "given": given, "strangers": strangers, "n_train": 200, "seen": 0}
    assert {entry.state for entry in lights(measured(training_groups=known))} == {state}
    bad = lights(measured(kind_of(200), training_groups=known))
    assert bad[0].state == "red"


def test_results_below_chance_are_named():
    assert below_chance(measured()) == []
    member = measured()["membership"] | {"auroc": rate(0.3, 0.2, 0.4)}
    said = below_chance(measured(closer_to_train=closer(0.1, 0.2, 0.0), membership=member))
    assert len(said) == 2
    assert "not alike" in said[0]


@pytest.mark.parametrize(
    ("train", "holdout"), [((58, 1), (40, 30)), ((40, 30), (58, 1)), ((4, 5), (4, 1))]
)
def test_sides_are_cut_to_as_many_patients_and_images(train, holdout):
    first, second = (np.repeat(np.arange(n), each) for n, each in (train, holdout))
    one, two = equal_sizes(first, second, seed=0)
    assert len(one) == len(two) == min(train[0], holdout[0])
    assert len(set(first[one])) == len(set(second[two])) == len(one)
    assert np.array_equal(one, equal_sizes(first, second, seed=0)[0])


def test_patients_of_many_images_are_matched_with_such():
    first, second = np.repeat(np.arange(20), 3), np.repeat([0, 1, 2], [1, 5, 2])
    one, two = equal_sizes(first, second, seed=1)
    assert sorted(np.unique(second[two], return_counts=True)[1]) == [1, 2, 3]
    assert sorted(np.unique(first[one], return_counts=True)[1]) == [1, 2, 3]
    assert [len(rows) for rows in equal_sizes(first, [], seed=0)] == [0, 0]


def spread(make_side, make_context, sets):
    """Distances of sets of (features, groups), by the section's own steps."""
    sides = {n: make_side(n, np.zeros((len(x), 1, 2, 2)), groups=g) for n, (x, g) in sets.items()}
    context = make_context(sides["hold-out"], sides["synthetic"], sides["train"], sides["hold-out"])
    context.extract = lambda side, spec: Features(sets[side.name][0].astype(np.float32), "x", "y")
    rows = (np.arange(len(sides[name])) for name in ("synthetic", "train", "hold-out"))
    parts = [Search("chest X-ray", *rows)]
    return measure_distances(context, parts, neighbours(context, parts))[0]


def clusters(count, each, rng):
    """Features of `count` patients with `each` images."""
    own = rng.normal(size=(count, 1, 16)) + 0.3 * rng.normal(size=(count, each, 16))
    return own.reshape(-1, 16), np.repeat(np.arange(count), each)


def test_many_images_a_patient_on_one_side_shift_no_share(make_side, make_context):
    rng = np.random.default_rng(0)
    sets = {
        "synthetic": (rng.normal(size=(500, 16)), None),
        "train": clusters(58, 1, rng),
        "hold-out": clusters(40, 30, rng),
    }
    data = spread(make_side, make_context, sets)
    assert (data["closer_to_train"]["n_train"], data["closer_to_train"]["n_holdout"]) == (40, 40)
    assert data["closer_to_train"]["low"] < 0.5 < data["closer_to_train"]["high"]
    entry = data["authenticity"]
    assert entry["low"] <= entry["value"] <= entry["high"]
    assert entry["holdout"]["n"] == 1200


def test_a_large_training_set_hides_no_copying(make_side, make_context):
    """A fortieth of the training images is compared by the share; C_T takes all of them."""
    rng = np.random.default_rng(0)
    train = rng.normal(size=(4000, 16))
    sets = {
        "synthetic": (train[:500], None),
        "train": (train, None),
        "hold-out": (rng.normal(size=(100, 16)), None),
    }
    judged = lights(measured(**spread(make_side, make_context, sets)))
    assert judged[1].state != "green"
    assert judged[3].state == "red"
