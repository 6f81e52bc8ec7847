"""The benchmark of copies measures every row, and its verdicts tell copies from other patients."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.privacy_generators import _dealt
from benchmarks.privacy_rows import others_row, planted_row, share
from benchmarks.privacy_scenes import Scene, scenes
from benchmarks.privacy_tables import tables, verdict
from scipy.stats import binomtest

from benchmarks import privacy_audit as script
from synthmed.errors import SynthmedError
from synthmed.measures.copies.audit import find_copies
from synthmed.training.sources import read_sources


@pytest.fixture
def scene(sources: Path) -> Scene:
    """The made chest X-rays."""
    rows = read_sources(str(sources), sources.parent).rows
    return scenes(rows, 32, 4, None, None, False)[0]


def same(images: np.ndarray) -> np.ndarray:
    """A codec that loses nothing."""
    return images


def test_scenes_are_sets_with_enough_patients(sources: Path) -> None:
    rows = read_sources(str(sources), sources.parent).rows
    found = scenes(rows, 32, 4, None, 9, False)
    assert [scene.image_type for scene in found] == ["chest X-ray", "dermatoscopy"]
    assert [len(scene.train) for scene in found] == [9, 9]
    for scene in found:
        assert not set(scene.train_groups) & set(scene.held_groups)
    assert found[0].symmetries == ("identity", "mirror")
    assert len(found[1].symmetries) == 4
    with pytest.raises(SynthmedError, match="no set has enough"):
        scenes(rows, 32, 99, None, None, False)


def test_rows_of_real_images_hold_counts_and_intervals(scene: Scene) -> None:
    row = planted_row(scene, same, 2)
    assert row["all"]["n"] == 16
    assert row["outside"]["n"] == 8
    assert len(row["kinds"]) == 13
    assert row["kinds"]["exact"]["value"] == 1
    assert row["false_alarms"]["n"] == row["n_holdout"] == 16
    others = others_row(scene, same)
    assert others["as they are"] == others["through the codec"]
    assert others["as they are"]["n"] == 16
    assert json.loads(json.dumps([row, others])) == [row, others]


def test_a_generator_that_copies_fails_and_other_patients_do_not(scene: Scene) -> None:
    held = np.asarray(scene.held_groups)
    judged = np.isin(held, sorted(set(held))[::2])
    given = {"holdout_groups": held[~judged].tolist(), "train_groups": scene.train_groups}
    rest = scene.held_images[~judged]
    copies = find_copies(scene.train_images, scene.train_images, rest, **given)
    others = others_row(scene, same)["as they are"]
    assert verdict(share(len(copies.findings), copies.n)) == "fails"
    resolved = 1 / (judged.sum() + 1)  # eight images of others can set no lower rate of alarms
    called = [(len(copies.findings), copies.n), (round(others["value"] * others["n"]), others["n"])]
    chance = [binomtest(k, n, resolved, alternative="greater").pvalue for k, n in called]
    assert chance[0] < 1e-6
    assert chance[1] > 0.01
    assert verdict(share(0, 200)) == "passes"


def test_few_images_are_judged_by_patients_that_the_generator_never_saw(scene: Scene) -> None:
    few, val, others = ({row.group_id for row in rows} for rows in _dealt(scene))
    assert few <= set(scene.train_groups)
    assert val
    assert len(others) >= 4
    assert not few & val
    assert not (few | val) & others


def test_overlap_with_the_models_patients_is_refused(
    tiny_model: Path, sources: Path, tmp_path: Path
) -> None:
    from synthmed.datasets.splits import group_hashes
    from synthmed.errors import SafetyError

    rows = read_sources(str(sources), sources.parent).rows
    folder = tmp_path / "model"
    folder.mkdir()
    card = json.loads((tiny_model / "synthmed.json").read_text())
    card["training_groups"] = group_hashes([replace(row) for row in rows if row.split == "test"])
    (folder / "synthmed.json").write_text(json.dumps(card))
    command = ["--model", str(folder), "--data", str(sources), "--results", str(tmp_path)]
    with pytest.raises(SafetyError, match="seen in training"):
        script.main(command, work=tmp_path / "work")


@pytest.mark.slow
def test_smoke_profile_measures_and_keeps_every_row(
    tiny_model: Path, sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--model", str(tiny_model), "--data", str(sources)]
    command += ["--results", str(tmp_path / "results")]
    script.main(command, work=tmp_path / "work")
    file = tmp_path / "results" / "privacy_audit-smoke.json"
    content = json.loads(file.read_text())
    assert [name.split(":")[0] for name in content["rows"]] == [
        *("planted", "others") * 2,
        *("generator", "generator"),
    ]
    few = next(row for name, row in content["rows"].items() if "few images" in name)
    assert (few["n_train"], few["steps"], few["copies"]["n"]) == (12, 4, 8)
    assert "Share of copies" in capsys.readouterr().out
    assert len(tables(content)) == 3
    before = file.stat().st_mtime_ns
    script.main(command, work=tmp_path / "work")
    assert file.stat().st_mtime_ns == before  # nothing was measured again
