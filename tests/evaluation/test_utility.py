"""The section: when it runs, on whom, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from synthmed.errors import SafetyError
from synthmed.evaluation import utility as module
from synthmed.evaluation.utility import utility
from synthmed.evaluation.utility_parts.choosing import by_kind
from synthmed.evaluation.utility_parts.labelled import group_hash


def pictures(n, seed, strength=1.5, side=16):
    """n grey images, every other one with a bright disc; and their labels."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    disc = (y - side / 2) ** 2 + (x - side / 2) ** 2 < (side / 4) ** 2
    images = draw.normal(-0.3, 0.25, (n, 1, side, side))
    images[1::2] += 0.2 * strength * disc
    return np.clip(images, -1, 1), [["benign"], ["malignant"]] * (n // 2)


@pytest.fixture
def quick(monkeypatch):
    """Few steps of a small network on one thread."""
    options = {"classifier": "small-cnn:16", "steps": 12, "batch_size": 8}
    options |= {"seeds": (0, 1), "device": "cpu"}
    monkeypatch.setattr(module, "options_of", lambda _: options)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def sides(make_side):
    def side(name, n, seed, **more):
        images, labels = pictures(n, seed)
        more = {
            "kinds": ["breast ultrasound"] * n,
            "sexes": ["F", "F", "M", "M"] * (n // 4),
            **more,
        }
        return make_side(name, images, labels=labels, **more)

    return {
        "real": side("real", 48, 0),
        "synthetic": side("synthetic", 60, 1, sexes=None),
        "train": side("train", 24, 2),
    }


def test_it_runs_only_when_asked(make_context, sides) -> None:
    section = utility(make_context(sides["real"], sides["synthetic"]))
    assert section.data["asked"] is None
    assert "Not asked for" in section.summary
    assert section.lights == []


@pytest.mark.usefixtures("quick")
def test_it_trains_on_the_generators_images_and_tests_on_others(make_context, sides) -> None:
    told: list[str] = []
    context = make_context(
        sides["real"],
        sides["synthetic"],
        sides["train"],
        sides["real"],
        utility_label="labels",
        bootstraps=60,
    )
    context.progress = told.append
    section = utility(context)
    (data,) = section.data["tasks"].values()
    assert data["classes"] == ["benign", "malignant"]
    assert data["test"]["images"] == 48
    assert data["rows"][0]["real"]["images"] == 24
    assert {row["design"] for row in data["rows"]} >= {"real", "synthetic only", "10% of real"}
    assert {row["attribute"] for row in data["subgroups"]} == {"sex"}
    assert "training: real, seed 0" in " ".join(told)
    assert len(section.tables) == 2
    assert {light.state for light in section.lights} <= {
        "amber",
        "red",
        "grey",
    }  # unknown generator
    assert any("cannot be checked" in warning for warning in section.warnings)
    assert any("only 48 test patients" in warning for warning in section.warnings)
    assert not any("fewer synthetic" in warning for warning in section.warnings)
    assert any("seeds 0, 1" in sentence for sentence in section.methods)
    json.dumps(section.data, allow_nan=False)


@pytest.mark.usefixtures("quick")
def test_without_a_training_set_the_real_one_is_split_by_patient(
    make_context, sides, monkeypatch
) -> None:
    given = {}

    def table(train, test, made, **more):
        given.update(train=train, test=test, made=made, **more)
        raise module.SynthmedError("enough seen")

    monkeypatch.setattr(module, "utility_table", table)
    real = sides["real"]
    for i, row in enumerate(real.rows):
        row.group_id = f"p{i // 4}"
    section = utility(make_context(real, sides["synthetic"], utility_label="labels"))
    assert section.lights[0].state == "grey"
    assert "enough seen" in section.data["not_measurable"]
    assert not set(given["train"].groups) & set(given["test"].groups)
    assert len(given["train"]) + len(given["test"]) == 48
    for i, row in enumerate(real.rows):
        row.split = "train" if i < 30 else "test"
    utility(make_context(real, sides["synthetic"], utility_label="labels"))
    assert (len(given["train"]), len(given["test"])) == (30, 18)


@pytest.mark.usefixtures("quick")
def test_the_same_file_is_not_tested_on(make_context, sides, monkeypatch) -> None:
    given = {}
    monkeypatch.setattr(
        module, "utility_table", lambda a, b, c, **_: given.update(test=b) or {"rows": []}
    )
    monkeypatch.setattr(module, "_summary", lambda _: "")
    for name in ("utility_tables", "utility_lights", "utility_plots"):
        monkeypatch.setattr(module, name, lambda *_: [])
    monkeypatch.setattr(module, "_warnings", lambda *_: [])
    real = sides["real"]
    real.digests[:3] = sides["train"].digests[:3]
    utility(make_context(real, sides["synthetic"], sides["train"], real, utility_label="labels"))
    assert len(given["test"]) == 45


@pytest.mark.usefixtures("quick")
def test_a_generator_that_saw_test_patients_is_refused(make_context, sides, tmp_path: Path) -> None:
    card = {"hash": "h", "training_groups": [group_hash(sides["real"].rows[3].group_id)]}
    (tmp_path / "synthmed.json").write_text(json.dumps(card))
    context = make_context(
        sides["real"],
        sides["synthetic"],
        sides["train"],
        sides["real"],
        utility_label="labels",
        generator=str(tmp_path),
    )
    with pytest.raises(SafetyError, match="seen by the generator"):
        utility(context)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("column", ["colour", "sex"])
def test_what_cannot_be_measured_is_grey_and_says_why(make_context, sides, column) -> None:
    section = utility(
        make_context(
            sides["real"], sides["synthetic"], sides["train"], sides["real"], utility_label=column
        )
    )
    assert section.lights[0].state == "grey"
    assert column in section.data["not_measurable"]


def test_types_are_measured_apart(make_side) -> None:
    images, labels = pictures(96, 0)
    kinds = np.repeat(["dermatoscopy", "breast ultrasound"], 48).tolist()
    one, other = (make_side(name, images, labels=labels, kinds=kinds) for name in "ab")
    train = make_side("c", images[::-1], labels=labels, kinds=kinds)
    found, left_out = by_kind("labels", train, one, other)
    assert list(found) == ["dermatoscopy", "breast ultrasound"]
    assert all({*side.kinds} == {kind} for kind, sides in found.items() for side in sides)
    assert left_out == []
    assert list(by_kind("image_type", train, one, other)[0]) == [""]


def test_kept_predictions_lie_in_the_cache_of_features(
    make_context, sides, monkeypatch, tmp_path
) -> None:
    given = {}

    def table(*_, **more):
        given.update(more)
        raise module.SynthmedError("enough seen")

    class Extract:
        folder = tmp_path

        def __call__(self, side, spec):
            raise AssertionError

    monkeypatch.setattr(module, "utility_table", table)
    context = make_context(
        sides["real"], sides["synthetic"], sides["train"], sides["real"], utility_label="labels"
    )
    context.extract = Extract()
    utility(context)
    assert given["store"] == tmp_path


def test_the_options_reach_the_training_and_the_methods(make_context, sides, monkeypatch) -> None:
    given = {}

    def table(*_, **more):
        given.update(more)
        return {
            "rows": [{"design": "real", "synthetic": None, "shuffled": False, "real": None}],
            "baseline": "real",
            "test": {"patients": 200},
            "seeds": list(more["seeds"]),
        }

    monkeypatch.setattr(module, "utility_table", table)
    monkeypatch.setattr(module, "_summary", lambda _: "")
    for name in ("utility_tables", "utility_lights", "utility_plots"):
        monkeypatch.setattr(module, name, lambda *_: [])
    options = {"classifier": "resnet:18", "steps": 7, "batch_size": 5, "device": "cpu"}
    context = make_context(
        *(sides[name] for name in ("real", "synthetic", "train", "real")),
        utility_label="labels",
        utility_seeds=(4,),
        **{f"utility_{name}": value for name, value in options.items()},
    )
    section = utility(context)
    assert {name: given[name] for name in options} == options
    assert given["seeds"] == (4,)
    assert "Classifiers resnet:18, 7 steps of 5 images" in section.methods[0]
    assert "seeds 4;" in section.methods[0]
    assert any("one training seed" in warning for warning in section.warnings)
