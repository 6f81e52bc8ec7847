"""The section on privacy: what it finds, what turns its lights, and what it refuses to say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.datasets.splits import group_hashes
from synthmed.evaluation.privacy import privacy
from synthmed.evaluation.privacy_called import names_of

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
    assert data["self_test"]["planted"] == 80
    assert data["self_test"]["found"] >= 58
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


def test_types_are_searched_apart_and_a_wrong_type_hides_no_copy(audit, make_side):
    kinds = ["chest X-ray"] * 40 + ["brain MRI"] * 40
    train = make_side("train", patients(80, 1), kinds=kinds)
    holdout = make_side("holdout", patients(80, 2), kinds=kinds)
    crossed = train.images([3, 9])  # chests that are passed off as brains
    crossed[1] = np.clip(0.8 * np.roll(crossed[1], 1, axis=2) + 0.1, -1, 1)
    synthetic = np.concatenate([patients(20, 3), train.images([45]), crossed])
    types = ["chest X-ray"] * 20 + ["brain MRI"] * 3
    section = audit(synthetic, train=train, holdout=holdout, kinds=types)
    assert set(section.data["by_type"]) == {"chest X-ray", "brain MRI", "all types"}
    found = {entry["synthetic"]: entry for entry in section.data["copies"]}
    assert found["synthetic_0020.png"]["train"] == "train_0045.png"
    assert found["synthetic_0021.png"]["train"] == "train_0003.png"
    assert found["synthetic_0022.png"]["train"] == "train_0009.png"
    assert found["synthetic_0022.png"]["image_type"] == "brain MRI"
    assert [found[f"synthetic_002{i}.png"]["equal"] for i in range(3)] == [True, True, False]
    by_type = section.data["by_type"]
    assert [by_type[k]["n_train"] for k in sorted(by_type)] == [80, 40, 40]
    assert by_type["all types"]["searched_again"]
    assert section.data["borrowed"] == {}
    assert light(section, "Copies").state == "red"


def test_images_of_a_type_that_no_real_image_has_are_searched_too(make_side, make_context):
    """The evaluation compares common types only; the search for copies sees every image."""
    kinds = ["chest X-ray"] * 40 + ["knee X-ray"] * 20
    train, holdout = make_side("train", patients(60, 1), kinds=kinds), patients(60, 12)
    images = np.concatenate([patients(30, 3), train.images(np.arange(40, 50))])
    every = make_side("synthetic", images, kinds=["chest X-ray"] * 30 + ["knee X-ray"] * 10)
    context = make_context(make_side("real", holdout), every.take(np.arange(30)), train)
    context.holdout, context.every = context.real, every
    data = (section := privacy(context)).data
    assert data["equal_images"] == 10
    assert data["borrowed"] == {"knee X-ray": 10}
    assert data["copy_rate"]["n"] == 40
    assert light(section, "Copies").state == "red"
    context.every = make_side("synthetic", np.concatenate([images[:30], patients(10, 4)]),
                              kinds=every.kinds.tolist())  # fmt: skip
    entry = light(section := privacy(context), "Copies")
    assert entry.state == "amber"
    assert "(knee X-ray) have no hold-out images" in entry.reason
    share = section.data["closer_to_train"]  # knees are in the training set only
    assert share["n_synthetic"] == 30


def test_a_type_whose_search_fails_holds_the_light(audit, make_side):
    kinds = ["chest X-ray"] * 60 + ["brain MRI"] * 20
    train = make_side("train", patients(80, 1), kinds=kinds)
    pixels = np.concatenate([patients(60, 12), train.images(np.arange(60, 80))])  # brains leak
    holdout = make_side("holdout", pixels, kinds=kinds)
    synthetic = np.concatenate([patients(90, 3), patients(5, 4)])
    types = ["chest X-ray"] * 90 + ["brain MRI"] * 5
    section = audit(synthetic, train=train, holdout=holdout, kinds=types)
    assert section.data["unsearched"] == {"brain MRI": 5}
    assert light(section, "Copies").state == "amber"
    assert "(brain MRI) were not searched" in light(section, "Copies").reason


def test_equal_images_are_named_where_nothing_else_can_be_measured(make_side, make_context, sides):
    synthetic = make_side("synthetic", np.concatenate([patients(8, 3), sides[0].images([7])]))
    section = privacy(make_context(sides[1], synthetic, sides[0]))
    assert [entry["train"] for entry in section.data["copies"]] == ["train_0007.png"]
    assert [entry.state for entry in section.lights] == ["red", "grey", "grey", "grey"]


def test_turned_and_inverted_copies_are_found_where_images_have_no_up(audit, make_side):
    kinds = ["fluorescence nuclei"] * 60
    train = make_side("train", patients(60, 1), kinds=kinds)
    holdout = make_side("holdout", patients(60, 12), kinds=kinds)
    known = train.images(np.arange(12))
    changed = [known[:3, :, ::-1], np.rot90(known[3:6], 1, (2, 3)), known[6:9, :, ::-1, ::-1]]
    images = np.concatenate([*changed, -known[9:], patients(8, 3)])
    data = audit(images, train=train, holdout=holdout, kinds=kinds[:20]).data
    found = {entry["synthetic"]: entry["train"] for entry in data["copies"]}
    right = [found.get(f"synthetic_{i:04d}.png") == f"train_{i:04d}.png" for i in range(12)]
    assert sum(right) >= 11
    by_kind = data["self_test"]["by_kind"]
    assert by_kind["upside-down"]["found"] >= 7
    assert by_kind["inverted"]["found"] >= 7


def test_chests_are_searched_for_negatives_but_not_for_turns(audit, sides):
    data = audit(np.concatenate([-sides[0].images([4]), patients(20, 3)])).data
    assert "train_0004.png" in {entry["train"] for entry in data["copies"]}
    assert "inverted" in data["self_test"]["by_kind"]
    assert "upside-down" not in data["self_test"]["by_kind"]
    assert data["by_type"]["chest X-ray"]["method"].count("turn") == 0


def test_names_tell_folders_but_neither_patients_nor_paths(make_side, make_context, sides):
    train, holdout = sides
    for i, row in enumerate(train.rows):
        row.group_id, row.file_name = f"MRN-{i:06d}", f"{i // 2:03d}.png"
        row.split = ("train", "val")[i % 2]
        row.file = Path(f"/home/somebody/chests/{row.split}/{row.file_name}")
    assert names_of(train)[7] == "chests/val/003.png"
    synthetic = make_side("synthetic", np.concatenate([train.images([7]), patients(20, 3)]))
    section = privacy(make_context(holdout, synthetic, train, holdout))
    assert section.data["copies"][0]["train"] == "chests/val/003.png"
    text = json.dumps([section.data, section.warnings, [table.lines for table in section.tables]])
    assert "MRN" not in text
    assert "/home" not in text
    called = {entry["train"] for entry in section.data["copies"]}
    lines = next(table for table in section.tables if table.title == "Closest pairs").lines
    assert all((line[5] == "copy") == (line[1] in called) for line in lines)
    assert {line[1] for line in lines if line[5] == "no"} == {"-"}


def test_names_stay_different_where_nothing_else_tells_them_apart(sides):
    for row in sides[0].rows:
        row.file_name, row.file = "a.png", Path("chests/train/a.png")
    names = names_of(sides[0])
    assert len(set(names)) == 60
    assert names[1] == "2/chests/test/a.png"


def test_a_generator_known_by_its_hash_is_asked_for_its_training_groups(audit, sides, monkeypatch):
    hashes = group_hashes(sides[0].rows[:50])
    others = [f"{i:064x}" for i in range(50)]
    monkeypatch.setattr(
        "synthmed.evaluation.privacy_generator.generator_card",
        lambda generator, synthetic: {"training_groups": [*hashes, *others]},
    )
    section = audit(patients(130, 3))
    assert section.data["training_groups"]["given"] == 50
    assert "50 of 100 training groups of the generator were given" in section.warnings
    entry = light(section, "Copies")
    assert entry.state == "amber"
    assert "50 of 100 training groups" in entry.reason


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
    assert "of different sources: differences" in said
    assert "(b)" not in said


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
