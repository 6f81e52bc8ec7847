"""The section on privacy: what it finds, what turns its lights, and what it refuses to say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.evaluation.privacy import privacy
from synthmed.evaluation.privacy_lights import lights
from synthmed.evaluation.privacy_searches import equal_sizes

SIZE = 48


def patients(n, seed, channels=1):
    """Images of n patients: two dark lungs that all share, and tissue of their own."""
    rng = np.random.default_rng([seed, SIZE])
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    images = np.empty((n, channels, SIZE, SIZE), np.float32)
    for image in images:
        grey = np.full((SIZE, SIZE), 0.2)
        for middle in (0.3, 0.7):
            inside = ((y - 0.5) / 0.32) ** 2 + ((x - middle) / 0.16) ** 2
            grey -= 0.7 / (1.0 + np.exp(12.0 * (inside - 1.0)))
        for sigma, strength in ((1.0, 0.08), (2.5, 0.12), (6.0, 0.15)):
            field = gaussian_filter(rng.normal(size=(SIZE, SIZE)), sigma)
            grey += strength * field / field.std()
        image[:] = grey
    return np.clip(images, -1, 1)


@pytest.fixture
def sides(make_side):
    """Training and hold-out images of 60 patients each."""
    return make_side("train", patients(60, 1)), make_side("holdout", patients(60, 12))


@pytest.fixture
def audit(make_side, make_context, sides):
    """Runs the section on synthetic images, with the sides' or other real ones."""

    def run(images, *, train=None, holdout=None, kinds=None, **settings):
        train, holdout = train or sides[0], holdout or sides[1]
        synthetic = make_side("synthetic", images, kinds=kinds)
        return privacy(make_context(holdout, synthetic, train, holdout, **settings))

    return run


def light(section, word):
    return next(entry for entry in section.lights if word in entry.title)


def test_new_patients_pass(audit):
    section = audit(patients(130, 3))
    data = section.data
    assert len(data["copies"]) <= 2
    assert data["copy_rate"]["n"] == 130
    assert 0 < data["copy_rate"]["high"] < 0.05
    assert data["expected_by_chance"] == pytest.approx(130 / 61)
    assert data["self_test"]["planted"] == 64
    assert data["self_test"]["found"] >= 52
    assert light(section, "Copies").state == "green"
    assert data["closer_to_train"]["low"] < 0.5 < data["closer_to_train"]["high"]
    assert light(section, "Closer").state in {"green", "amber"}
    assert data["c_t"]["low"] < 0 < data["c_t"]["high"]
    assert light(section, "Membership").state == "grey"
    assert data["membership"] is None
    assert "membership: the generator was not given" in data["not_measurable"]
    assert f"{len(data['copies'])} of 130 synthetic images are called copies" in section.summary


def test_copies_are_listed_and_turn_the_light_red(audit, sides):
    copied = sides[0].images(np.arange(20, 44))
    changed = np.clip(0.8 * np.roll(copied, 1, axis=3) + 0.1, -1, 1)
    section = audit(np.concatenate([changed, patients(60, 3)]))
    data = section.data
    pairs = {(entry["synthetic"], entry["train"]) for entry in data["copies"]}
    wanted = {(f"synthetic_{i:04d}.png", f"train_{20 + i:04d}.png") for i in range(24)}
    assert len(pairs & wanted) >= 22
    assert len(pairs - wanted) <= 2
    assert set(data["copies"][0]) == {"synthetic", "train", "score", "image_type", "equal"}
    scores = [entry["score"] for entry in data["copies"]]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > data["threshold"]["chest X-ray"]
    assert data["equal_images"] == 0
    assert data["copy_rate"]["low"] > data["false_alarms"]["high"]
    assert light(section, "Copies").state == "red"
    assert data["closer_to_train"]["value"] > 0.5
    lines = next(table for table in section.tables if table.title == "Closest pairs").lines
    assert lines[0][5] == "copy"
    views = data["by_type"]["chest X-ray"]["views"]
    assert views["pixels"]["nearest"]["0.5"] > views["pixels"]["second"]["0.5"]  # scores
    assert views["features"]["nearest"]["0.5"] < views["features"]["second"]["0.5"]  # distances
    assert len(lines) == 12


def test_one_equal_image_is_enough_for_red(audit, sides):
    section = audit(np.concatenate([patients(60, 3), sides[0].images([7])]))
    assert [e["train"] for e in section.data["copies"] if e["equal"]] == ["train_0007.png"]
    assert section.data["equal_images"] == 1
    entry = light(section, "Copies")
    assert entry.state == "red"
    assert "1 equal a training image" in entry.reason


def test_a_generator_that_repeats_its_training_set_is_seen_in_the_distances(audit, sides):
    rng = np.random.default_rng(0)
    noisy = sides[0].images() + rng.normal(0, 0.15, (60, 1, SIZE, SIZE))
    section = audit(np.clip(noisy, -1, 1).astype(np.float32))
    data = section.data
    assert data["closer_to_train"]["value"] == 1
    assert data["closer_to_train"]["p_value"] < 0.01
    assert light(section, "Closer").state == "red"
    assert data["authenticity"]["value"] < 0.1
    assert data["c_t"]["value"] < -5
    nearest = {name: both["nearest"]["0.5"] for name, both in data["distances"].items()}
    assert nearest["synthetic to training"] < nearest["hold-out to training"]


def test_types_are_searched_apart(audit, make_side):
    kinds = ["chest X-ray"] * 40 + ["brain MRI"] * 40
    train = make_side("train", patients(80, 1), kinds=kinds)
    holdout = make_side("holdout", patients(80, 2), kinds=kinds)
    crossed = train.images([3])  # a chest that is passed off as a brain
    synthetic = np.concatenate([patients(20, 3), train.images([45]), crossed])
    types = ["chest X-ray"] * 20 + ["brain MRI", "brain MRI"]
    section = audit(synthetic, train=train, holdout=holdout, kinds=types)
    assert set(section.data["by_type"]) == {"chest X-ray", "brain MRI"}
    found = {entry["synthetic"]: entry["train"] for entry in section.data["copies"]}
    assert found["synthetic_0020.png"] == "train_0045.png"
    assert found.get("synthetic_0021.png") != "train_0003.png"
    by_type = section.data["by_type"]
    assert [by_type[k]["n_train"] for k in sorted(by_type)] == [40, 40]
    assert section.data["self_test"]["planted"] == 128


def test_a_type_without_real_images_is_searched_among_all(audit, sides):
    copied = sides[0].images([5])
    section = audit(
        np.concatenate([patients(10, 3), copied]), kinds=["chest X-ray"] * 10 + ["chest"]
    )
    assert section.data["by_type"]["all types"]["copies"] == 1
    assert any("searched among those of all types" in text for text in section.warnings)


def test_without_training_images_nothing_is_said(make_side, make_context, sides):
    synthetic = make_side("synthetic", patients(8, 3))
    section = privacy(make_context(sides[1], synthetic))
    assert {entry.state for entry in section.lights} == {"grey"}
    assert section.data["copies"] is None
    assert "--train" in section.data["not_measurable"]
    assert section.warnings == ["missing training set: whether images are copies was not looked at"]
    assert "Nothing is said about privacy" in section.summary


@pytest.mark.parametrize("groups", [None, ["p:1", "p:1", "p:2", "p:3"]])
def test_without_hold_out_patients_nothing_is_said(make_side, make_context, sides, groups):
    synthetic = make_side("synthetic", patients(8, 3))
    holdout = make_side("holdout", patients(4, 2), groups=groups) if groups else None
    section = privacy(make_context(sides[1], synthetic, sides[0], holdout))
    assert {entry.state for entry in section.lights} == {"grey"}
    assert any("missing hold-out" in text for text in section.warnings)


def test_hold_out_images_that_are_training_images_are_refused(audit, make_side, sides):
    leaking = make_side("holdout", sides[0].images())
    section = audit(patients(8, 3), holdout=leaking)
    assert {entry.state for entry in section.lights} == {"grey"}
    assert any("hold-out images are files of the training set" in t for t in section.warnings)
    assert any("copies cannot be looked for" in text for text in section.warnings)


def test_even_images_are_left_out_and_named(audit):
    images = patients(12, 3)
    images[4] = 0.25
    section = audit(images)
    assert section.data["copy_rate"]["n"] == 11
    assert "1 even synthetic images are left out of the search for copies" in section.warnings


def test_weak_comparisons_are_named(audit, make_side):
    train = make_side("train", patients(30, 1), groups=[f"a:{i}" for i in range(30)])
    groups = ["a:3", *(f"b:{i}" for i in range(29))]
    section = audit(patients(8, 3), train=train, holdout=make_side("h", patients(30, 2), groups))
    said = " | ".join(section.warnings)
    assert "small hold-out set: 30 images" in said
    assert "1 hold-out images are of patients of the training set" in said
    assert "different sources (b)" in said


def test_pictures_stand_in_the_private_report_only(audit):
    images = patients(10, 3)
    assert not any(plot.kind == "image" for plot in audit(images).plots)
    section = audit(images, with_real_images=True)
    (picture,) = [plot for plot in section.plots if plot.kind == "image"]
    assert picture.private
    pixels = np.asarray(picture.data["pixels"])
    assert pixels.shape == (10 * SIZE, 2 * SIZE)
    assert 0 <= pixels.min() < pixels.max() <= 1
    assert all(not plot.private for plot in section.plots if plot.kind != "image")


def test_everything_is_json_and_repeats(audit):
    images = patients(20, 3)
    one, two = audit(images), audit(images)
    text = json.dumps(one.data, allow_nan=False, sort_keys=True)
    assert text == json.dumps(two.data, allow_nan=False, sort_keys=True)
    json.dumps([plot.data for plot in one.plots], allow_nan=False)
    for table in one.tables:
        assert all(len(line) == len(table.header) for line in table.lines)
    assert any("seed 0" in sentence for sentence in one.methods)


def rate(value, low, high, n=100):
    return {"value": value, "low": low, "high": high, "n": n}


def measured(**changes):
    """Data of a section that passes; `changes` replace parts of it."""
    data = {
        "copies": [],
        "equal_images": 0,
        "copy_rate": rate(0.0, 0.0, 0.04),
        "expected_by_chance": 1.0,
        "false_alarms": rate(0.01, 0.0, 0.03),
        "self_test": {"found": 60, "planted": 64, "recall": rate(60 / 64, 0.85, 0.98)},
        "closer_to_train": {**rate(0.5, 0.45, 0.54), "n_synthetic": 100, "p_value": 0.8},
        "membership": {
            "auroc": rate(0.51, 0.46, 0.56),
            "codec_auroc": rate(0.5, 0.45, 0.55),
            "n_train": 9,
            "n_holdout": 9,
        },
        "not_measurable": "because",
    }
    return data | changes


BLIND = {"found": 40, "planted": 64, "recall": rate(40 / 64, 0.5, 0.74)}


@pytest.mark.parametrize(
    ("changes", "states"),
    [
        ({}, ["green", "green", "green"]),
        ({"copy_rate": rate(0.01, 0.0, 0.06)}, ["amber", "green", "green"]),
        ({"copy_rate": rate(0.1, 0.05, 0.2)}, ["red", "green", "green"]),
        ({"copy_rate": rate(0.1, 0.029, 0.2)}, ["amber", "green", "green"]),
        ({"self_test": BLIND}, ["grey", "green", "green"]),
        ({"self_test": BLIND, "copy_rate": rate(0.1, 0.05, 0.2)}, ["red", "green", "green"]),
        ({"equal_images": 1, "self_test": BLIND}, ["red", "green", "green"]),
        ({"copy_rate": None, "closer_to_train": None}, ["grey", "grey", "green"]),
        (
            {"closer_to_train": {**rate(0.6, 0.52, 0.7), "n_synthetic": 9, "p_value": 0.001}},
            ["green", "red", "green"],
        ),
        (
            {"closer_to_train": {**rate(0.6, 0.52, 0.7), "n_synthetic": 9, "p_value": 0.02}},
            ["green", "amber", "green"],
        ),
        ({"membership": None}, ["green", "green", "grey"]),
    ],
)
def test_lights_follow_their_written_rules(changes, states):
    assert [entry.state for entry in lights(measured(**changes))] == states


@pytest.mark.parametrize(
    ("low", "high", "state"), [(0.62, 0.7, "red"), (0.55, 0.65, "amber"), (0.5, 0.59, "green")]
)
def test_the_light_of_membership(low, high, state):
    member = measured()["membership"] | {"auroc": rate((low + high) / 2, low, high)}
    assert lights(measured(membership=member))[2].state == state


def test_sides_are_cut_to_equal_size_by_whole_patients():
    first = np.repeat(np.arange(20), 3)  # 60 images of 20 patients
    second = np.arange(31)
    one, two = equal_sizes(first, second, seed=0)
    assert len(two) == 31
    assert len(one) == 30
    assert set(np.bincount(first[one])) == {0, 3}
    huge, _ = equal_sizes(np.zeros(50), np.arange(10), seed=0)
    assert len(huge) == 10
