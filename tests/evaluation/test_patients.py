"""Unknown patients: who counts as one, and what is no longer green."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_folders import write_folder

from synthmed.datasets.folder import read_dataset
from synthmed.evaluation.context import Settings
from synthmed.evaluation.evaluate import evaluate
from synthmed.evaluation.patients import (
    RULE,
    hold_back,
    name_unknown,
    unknown_patients,
    without_patient,
)
from synthmed.evaluation.sections import Light, Section

QUICK = Settings(extractor="pixels-16", bootstraps=50)


def without_ids(folder: Path) -> Path:
    """Take the column group_id out of a dataset folder."""
    for table in folder.glob("*/metadata.jsonl"):
        rows = [json.loads(line) for line in table.read_text().splitlines()]
        for row in rows:
            del row["group_id"]
        table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def noise(make_side):
    images = np.random.default_rng(0).uniform(-1, 1, (40, 1, 16, 16))
    return lambda name, groups=None: make_side(name, images, groups=groups)


def with_files(side, folder):
    """The same rows, their images said to lie in a folder."""
    rows = tuple(replace(row, file=folder / "test" / row.file_name) for row in side.rows)
    return replace(side, rows=rows)


def own_files(name, count):
    """Groups as the reader gives them without ids, for the first images; patients for the rest."""
    return [f"test/{name}_{i:04d}.png" if i < count else f"{name}:{i}" for i in range(40)]


def test_the_group_that_a_reader_makes_of_a_file_is_no_patient(tmp_path, make_side) -> None:
    write_folder(tmp_path / "with", 6)
    with pytest.warns(UserWarning, match="have no group_id"):
        found = read_dataset(without_ids(write_folder(tmp_path / "without", 6)))
    images = np.zeros((6, 1, 16, 16))
    bare = replace(make_side("real", images), rows=tuple(found.rows))
    assert without_patient(bare).all()
    named = replace(bare, rows=tuple(read_dataset(tmp_path / "with").rows))
    assert not without_patient(named).any()


def test_a_group_of_a_files_name_alone_is_no_patient_but_a_patients_name_is(noise) -> None:
    side = noise("real", [f"real_{i:04d}.png" for i in range(20)] + [f"{i:04d}" for i in range(20)])
    assert without_patient(side).tolist() == [True] * 20 + [False] * 20
    bare = replace(side.rows[0], file=Path("set/0001"), file_name="0001", group_id="0001")
    assert not without_patient(replace(side, rows=(bare,) * 40)).any()


@pytest.mark.parametrize(
    ("details", "unknown"),
    [
        ({"format": "classes", "group": ""}, True),
        ({"format": "domains"}, True),
        ({"format": "medmnist", "flag": "breastmnist"}, True),
        ({"format": "classes", "group": "^(p[0-9]+)"}, False),
        ({"format": "dicom"}, False),
        (None, False),
        ([1], False),
    ],
)
def test_imports_without_patients_are_known_by_their_dataset_json(
    noise, tmp_path, details, unknown
) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"import": details}))
    given = [f"real:{i:016x}" for i in range(40)]
    found = without_patient(with_files(noise("real", given), tmp_path))
    assert found.all() if unknown else not found.any()
    stated = without_patient(with_files(noise("real"), tmp_path))  # by the user, after the import
    assert not stated.any()


def test_files_that_were_translated_without_a_table_are_of_no_known_patient(noise) -> None:
    groups = [f"file:{i:016x}" for i in range(20)] + [f"profile:{i}" for i in range(20)]
    assert without_patient(noise("real", groups)).tolist() == [True] * 20 + [False] * 20


def test_groups_that_a_render_records_are_of_no_known_patient(noise, tmp_path) -> None:
    """As of CTs whose files name nobody; the others of the same run are known."""
    given = [f"ct:{i:016x}" for i in range(40)]
    info = {"unknown_patients": {"note": "nothing says whose", "groups": given[:15]}}
    (tmp_path / "dataset.json").write_text(json.dumps(info))
    found = without_patient(with_files(noise("real", given), tmp_path))
    assert found.tolist() == [True] * 15 + [False] * 25
    for damaged in (["ct:1"], {"groups": "ct"}, {"groups": [["ct"]]}, None):
        (tmp_path / "dataset.json").write_text(json.dumps({"unknown_patients": damaged}))
        assert not without_patient(with_files(noise("real", given), tmp_path)).any()


def test_a_damaged_dataset_json_says_nothing(noise, tmp_path) -> None:
    (tmp_path / "dataset.json").write_text("[1")
    given = [f"real:{i:016x}" for i in range(40)]
    assert not without_patient(with_files(noise("real", given), tmp_path)).any()


@pytest.mark.parametrize(("count", "held"), [(0, False), (2, False), (3, True), (40, True)])
def test_more_than_a_twentieth_holds_lights_back(noise, make_context, count, held) -> None:
    real = with_files(noise("real", own_files("real", count)), Path("set"))
    reason = unknown_patients(make_context(real, noise("synthetic")))
    assert bool(reason) == held
    if held:
        assert f"{count} of 40 real images" in reason
        assert "images of one patient may stand on both sides" in reason
        assert "intervals are by image" in reason
    warnings: list[str] = []
    name_unknown([real, None], warnings)
    assert len(warnings) == (count > 0)
    assert all(("is green" in text) == held for text in warnings)


def test_training_images_count_and_synthetic_ones_do_not(noise, make_context) -> None:
    bare = [
        with_files(noise(name, own_files(name, 40)), Path("set")) for name in ("synthetic", "train")
    ]
    assert unknown_patients(make_context(noise("real"), bare[0])) == ""
    reason = unknown_patients(make_context(noise("real"), bare[0], bare[1], noise("real")))
    assert "40 of 40 train images" in reason


def test_no_light_stays_green_and_red_stays_red() -> None:
    states = ("green", "amber", "red", "grey")
    lights = [Light(state, state, "A rule.", f"it is {state}.") for state in states]
    section = Section("privacy", "Privacy", "", lights=lights)
    assert hold_back(section, "") is section
    held = hold_back(section, "patients are unknown").lights
    assert [light.state for light in held] == ["amber", "amber", "red", "grey"]
    for light in held[:3]:
        assert light.reason == f"it is {light.title}; patients are unknown"
        assert light.rule == f"A rule. {RULE}"
    assert held[3] == lights[3]


def test_a_report_with_and_without_patients(tmp_path: Path, monkeypatch) -> None:
    """The same light, which is green by its own rule, on the same images."""
    import synthmed.evaluation.fidelity as module

    green = Light("Realism", "green", "A rule.", "all is well")
    monkeypatch.setattr(
        module, "fidelity", lambda _: Section("fidelity", "Realism", "", lights=[green])
    )
    synthetic = write_folder(tmp_path / "s", 24, seed=2, prefix="s", synthetic=True)
    real = write_folder(tmp_path / "r", 24, seed=1, prefix="r")

    def run(name: str) -> tuple[list[str], dict[str, object]]:
        result = evaluate(real, synthetic, tmp_path / name, sections=["fidelity"], settings=QUICK)
        content = json.loads((tmp_path / name / "report.json").read_text())
        return [light.state for light in result.lights], content

    states, content = run("known")
    assert states == ["green", "green"]
    assert "patients_unknown" not in content["header"]["real"]
    without_ids(real)
    without_ids(synthetic)
    states, content = run("unknown")
    assert states == ["green", "amber"]  # usable images rest on no patient
    assert content["header"]["real"]["patients_unknown"] == 24
    assert "patients_unknown" not in content["header"]["synthetic"]
    told = [warning["text"] for warning in content["warnings"]]
    assert sum("patients are unknown for 24 of 24 real images" in text for text in told) == 1
    page = (tmp_path / "unknown" / "report.html").read_text(encoding="utf-8")
    assert "images of one patient may stand on both sides" in page
