"""Section "alignment": faithful images pass, unfaithful ones and the control do not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from judged_images import CHEST, SKIN, made_side

from synthmed.errors import SafetyError
from synthmed.evaluation import concept_judges
from synthmed.evaluation.alignment import alignment
from synthmed.evaluation.concept_judges import KERNEL_ID, filter_models

QUICK = {"extractor": "statistics", "bootstraps": 50}


_FOUND = {}


@pytest.fixture
def found(make_side, make_context):
    """The sections of faithful and of unfaithful images, made once."""
    if not _FOUND:
        real = made_side(make_side, "real", 80, 0)
        for name, shown in (("faithful", True), ("unfaithful", False)):
            made = made_side(make_side, "synthetic", 80, 4, shown=shown)
            _FOUND[name] = alignment(make_context(real, made, **QUICK))
    return _FOUND


def concept(section, name):
    return next(each for each in section.data["concepts"] if each["concept"] == name)


def test_every_stated_concept_is_asked_once(found) -> None:
    names = {each["concept"] for each in found["faithful"].data["concepts"]}
    assert names == {
        f"type {CHEST}",
        f"{CHEST}, label effusion",
        f"{CHEST}, sex F",
        f"{SKIN}, label melanocytic nevus",
        f"{SKIN}, sex F",
    }


def test_faithful_images_reach_the_ceiling(found) -> None:
    for each in found["faithful"].data["concepts"]:
        assert each["real"]["value"] > 0.9, each["concept"]
        assert each["synthetic"]["value"] > 0.9, each["concept"]
        assert each["state"] == "green", each["concept"]
        assert each["control_flagged"]
        assert 0.25 < each["shuffled"]["value"] < 0.75
        assert each["synthetic"]["n_synthetic"] in (80, 160)
    assert [light.state for light in found["faithful"].lights] == ["green", "green"]


def test_unfaithful_images_fall_to_chance_and_are_flagged(found) -> None:
    section = found["unfaithful"]
    for name in (f"{CHEST}, label effusion", f"{CHEST}, sex F", f"{SKIN}, sex F"):
        each = concept(section, name)
        assert each["real"]["value"] > 0.9
        assert each["synthetic"]["value"] < 0.75
        assert each["state"] == "red"
    assert concept(section, f"type {CHEST}")["state"] == "green"  # the types are right
    assert [light.state for light in section.lights] == ["red", "red"]
    assert "less clearly" in section.summary


def test_types_are_recognised(found) -> None:
    types = found["faithful"].data["types"]
    assert types["real"]["value"] > 0.98
    assert types["synthetic"]["value"] > 0.98
    assert types["shuffled"]["value"] < 0.7


def test_ages_are_seen_where_they_are_shown(found) -> None:
    chest = [
        next(a for a in found[name].data["ages"] if a["image_type"] == CHEST) for name in found
    ]
    assert all(each["real"]["correlation"]["value"] > 0.9 for each in chest)
    faithful, unfaithful = (each["synthetic"] for each in chest)
    assert faithful["correlation"]["value"] > 0.9
    assert faithful["error"]["value"] < 8 < 12 < unfaithful["error"]["value"]
    assert unfaithful["correlation"]["value"] < 0.5
    skin = next(a for a in found["faithful"].data["ages"] if a["image_type"] == SKIN)
    assert skin["real"] is None  # skin shows no age
    assert "correlation" in skin["not_measurable"]


def test_subgroups_have_figures_and_gaps(found) -> None:
    rows = found["faithful"].data["subgroups"]
    effusion = [r for r in rows if r["concept"].endswith("effusion") and r["attribute"] == "sex"]
    assert {row["subgroup"] for row in effusion} == {"female", "male"}
    for row in effusion:
        assert row["synthetic"]["value"] > 0.85
        assert row["gap_synthetic"]["low"] <= 0 <= row["gap_synthetic"]["high"]
    own = [row for row in rows if row["concept"].endswith("sex F")]
    assert "sex" not in {row["attribute"] for row in own}


def test_all_of_it_is_json_and_tables_are_full(found) -> None:
    for section in found.values():
        assert "NaN" not in json.dumps(section.data)
        for table in section.tables:
            assert all(len(line) == len(table.header) for line in table.lines)
        assert section.plots[0].data["labels"]
        assert any("cross-fitted" in sentence for sentence in section.methods)


def test_a_subgroup_that_is_not_shown_has_a_gap(make_side, make_context) -> None:
    real = made_side(make_side, "real", 100, 0, kinds=(CHEST,))
    good = made_side(make_side, "synthetic", 100, 1, kinds=(CHEST,))
    bad = made_side(make_side, "synthetic", 100, 2, kinds=(CHEST,), shown=False)
    women = np.asarray(["woman" in prompt for prompt in good.prompts])
    pixels = good.pixels.copy()
    wrong = np.flatnonzero(women)
    pixels[wrong] = bad.pixels[wrong]  # women's images show anything
    section = alignment(make_context(real, replace(good, pixels=pixels), **QUICK))
    rows = {
        row["subgroup"]: row
        for row in section.data["subgroups"]
        if row["concept"].endswith("effusion") and row["attribute"] == "sex"
    }
    assert rows["female"]["gap_synthetic"]["high"] < 0
    assert rows["male"]["gap_synthetic"]["low"] > 0
    assert rows["female"]["gap_real"]["low"] <= 0 <= rows["female"]["gap_real"]["high"]


def test_the_filters_models_do_not_judge(make_side, make_context) -> None:
    real = made_side(make_side, "real", 40, 0, kinds=(CHEST,))
    scorers = {"filters": [{"models": [{"id": "statistics/1", "sha256": "ab" * 32}]}]}
    made = made_side(make_side, "synthetic", 40, 1, kinds=(CHEST,), info=scorers)
    section = alignment(make_context(real, made, **QUICK))
    assert set(section.data["judges"]) == {"kernel"}
    assert any("filtered by the same model" in text for text in section.warnings)
    models = [{"id": "statistics/1", "sha256": "ab"}, {"id": KERNEL_ID, "sha256": "cd"}]
    both = {"filters": [{"models": models[:1]}, {"models": models[1:]}]}
    made = made_side(make_side, "synthetic", 40, 1, kinds=(CHEST,), info=both)
    with pytest.raises(SafetyError, match="no judge is independent"):
        alignment(make_context(real, made, **QUICK))


def test_the_filters_models_are_known_by_id_or_hash() -> None:
    assert filter_models({}) == filter_models({"filters": None}) == set()
    assert filter_models({"filters": [3, {"models": 4}, {"models": [5, {}]}]}) == set()
    model = {"id": "scorer", "sha256": "0123456789abcdef"}
    assert filter_models({"filters": [{"models": [model]}]}) == {"scorer", "0123456789ab"}
    shared = concept_judges._shared({"scorer", "0123456789ab"}, ("small-cnn/1:0123456789ab",))
    assert shared == ["0123456789ab"]


def test_an_extractor_that_saw_the_patients_does_not_judge(
    make_side, make_context, monkeypatch
) -> None:
    real = made_side(make_side, "real", 40, 0, kinds=(CHEST,))
    made = made_side(make_side, "synthetic", 40, 1, kinds=(CHEST,))
    seen = {hashlib.sha256(real.groups[0].encode()).hexdigest()}
    monkeypatch.setattr(concept_judges, "trained_groups", lambda _: seen)
    section = alignment(make_context(real, made, **QUICK))
    assert set(section.data["judges"]) == {"kernel"}
    assert any("learnt from 1 of the judged patients" in text for text in section.warnings)


def test_few_images_and_invisible_concepts_are_not_measurable(make_side, make_context) -> None:
    real = made_side(make_side, "real", 30, 0, kinds=(CHEST,))
    blind = made_side(make_side, "real", 80, 0, kinds=(CHEST,), shown=False)
    made = made_side(make_side, "synthetic", 40, 1, kinds=(CHEST,))
    few = alignment(make_context(real, made, **QUICK))
    assert all(each["real"] is None for each in few.data["concepts"])
    assert "real images of" in few.data["concepts"][0]["not_measurable"]
    assert few.lights[0].state == "grey"
    invisible = alignment(make_context(blind, made, **QUICK))
    assert "no judge reaches AUROC 0.80" in invisible.data["concepts"][0]["not_measurable"]
    assert [light.state for light in invisible.lights] == ["grey", "grey"]
    assert few.data["types"]["not_measurable"]
    assert few.data["text_image"]["not_measurable"]


def test_images_without_any_words_give_no_figures(make_side, make_context) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (40, 1, 32, 32))
    sides = (make_side(name, images, kinds=[""] * 40) for name in ("real", "synthetic"))
    section = alignment(make_context(*sides, **QUICK))
    assert section.data["concepts"] == []
    assert section.summary == "No concept is measurable on these sets."
