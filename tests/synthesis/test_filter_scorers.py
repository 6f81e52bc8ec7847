"""The checks that learn from real images: each sees its fault and spares what is good."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filter_sets import CHEST, SKIN, SPLITS, image_of, real_set, synthetic_row, write_set

from synthmed.datasets import read_dataset
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SynthmedError
from synthmed.synthesis.filter import FilterResult, filter_dataset
from synthmed.synthesis.filters.materials import gather, load_part
from synthmed.synthesis.filters.scorer import fit_scorer

NEW = 1000  # seeds of images that no real set holds


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_set(tmp_path_factory.mktemp("real") / "real")


@pytest.fixture(scope="module")
def scorer(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that was fitted on the training rows, saved."""
    rows = [row for row in read_dataset(real).rows if row.split == "train"]
    classifier = fit_scorer(load_part(rows), 0)
    assert classifier is not None
    folder = tmp_path_factory.mktemp("scorer") / "scorer"
    classifier.save(folder)
    return folder


def run(source: Path, out: Path, **options: Any) -> FilterResult:
    return filter_dataset(source, out, **{"progress": False, **options})


def entries(out: Path) -> list[dict[str, str]]:
    with open(out / "rejected.csv", newline="") as file:
        return list(csv.DictReader(file))


def good(count: int = 12) -> list[Any]:
    """New images of both types."""
    kinds = (CHEST, SKIN)
    return [
        (synthetic_row(f"{kind[:4]}-new{i}.png", kind), image_of(kind, NEW + i))
        for kind in kinds
        for i in range(count)
    ]


def test_broken_images_are_found_and_good_ones_pass(
    real: Path, scorer: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    noise = [
        (synthetic_row(f"noise{i}.png", CHEST), rng.uniform(-1, 1, (1, 32, 32)).astype(np.float32))
        for i in range(4)
    ]
    smear = np.broadcast_to(np.linspace(-1, 1, 32, dtype=np.float32), (1, 32, 32))
    bad = [*noise, (synthetic_row("smear.png", CHEST), smear)]
    source = write_set(tmp_path / "source", [*good(), *bad])
    result = run(source, tmp_path / "out", checks=["broken"], real=real, scorer=scorer)
    names = {entry["file"] for entry in entries(tmp_path / "out")}
    assert {f"train/{row.file_name}" for row, _ in bad} <= names
    assert len(names) <= len(bad) + 1
    assert all(float(e["score"]) > float(e["threshold"]) for e in entries(tmp_path / "out"))
    card = json.loads((scorer / "classifier.json").read_text())
    record = json.loads((tmp_path / "out" / "dataset.json").read_text())["filters"][0]
    assert [m["sha256"] for m in record["models"]] == [card["weights_sha256"]]
    assert result.models[0]["id"].startswith("small-cnn/1:")
    assert set(record["checks"]["broken"]["thresholds"]["distance"]) == {CHEST, SKIN}


def test_images_of_another_type_than_the_row_says_are_found(
    real: Path, scorer: Path, tmp_path: Path
) -> None:
    wrong = [
        (synthetic_row(f"wrong{i}.png", SKIN), np.repeat(image_of(CHEST, NEW + 50 + i), 3, axis=0))
        for i in range(3)
    ]
    source = write_set(tmp_path / "source", [*good(), *wrong])
    run(source, tmp_path / "out", checks=["off-prompt"], real=real, scorer=scorer)
    found = entries(tmp_path / "out")
    names = {entry["file"] for entry in found}
    assert {f"train/{row.file_name}" for row, _ in wrong} <= names
    assert len(names) <= len(wrong) + 1
    assert "dermatoscopy" in next(e for e in found if "wrong0" in e["file"])["reason"]


def test_copies_of_training_images_are_found_and_name_no_file(real: Path, tmp_path: Path) -> None:
    copied = [
        (synthetic_row(f"copy{i}.png", CHEST), np.clip(image_of(CHEST, i) * 0.8 + 0.1, -1, 1))
        for i in range(5)
    ]
    source = write_set(tmp_path / "source", [*good(), *copied])
    result = run(source, tmp_path / "out", checks=["near-copy"], train=real)
    found = entries(tmp_path / "out")
    assert {f"train/{row.file_name}" for row, _ in copied} <= {e["file"] for e in found}
    assert result.rejected <= len(copied) + 2
    assert all("sha256:" in e["reason"] and ".png" not in e["reason"] for e in found)


def test_near_copies_need_images_of_other_patients(real: Path, tmp_path: Path) -> None:
    rows = [
        (row, image_of(row.image_type, 2 * NEW + i))
        for i, row in enumerate(read_dataset(real).rows)
    ]
    alone = write_set(tmp_path / "train", [pair for pair in rows if pair[0].split == "train"])
    source = write_set(tmp_path / "source", good(2))
    with pytest.raises(SynthmedError, match="the generator never saw, there are 0"):
        run(source, tmp_path / "out", checks=["near-copy"], train=alone)
    assert run(source, tmp_path / "out", checks=["near-copy"], train=alone, real=real).images


def test_without_a_scorer_one_is_fitted_on_the_training_rows(real: Path) -> None:
    materials = gather(real, None, None)
    assert materials.fit is not None
    assert materials.held_out is not None
    assert len(materials.fit) == 2 * SPLITS["train"]
    assert len(materials.held_out) == 2 * SPLITS["val"]  # and no test row
    assert {row.split for row in materials.held_out.rows} == {"val"}


def test_without_validation_rows_whole_patients_are_held_out(tmp_path: Path) -> None:
    images = []
    for i in range(60):
        row = synthetic_row(f"{i}.png", CHEST)
        row.group_id = f"p:{i // 2}"
        images.append((row, image_of(CHEST, i)))
    materials = gather(write_set(tmp_path / "real", images), None, None)
    assert materials.fit is not None
    assert materials.held_out is not None
    fit, held_out = set(materials.fit.groups), set(materials.held_out.groups)
    assert not fit & held_out
    assert len(fit) + len(held_out) == 30
    assert 2 <= len(held_out) <= 12


def test_labels_are_judged_where_they_can_be_told(tmp_path: Path) -> None:
    """Light and dark images of one type; the label says which."""

    def image(light: bool, seed: int) -> Any:
        return np.clip(image_of(CHEST, seed) * 0.3 + (0.5 if light else -0.5), -1, 1)

    def row(name: str, split: str, light: bool) -> Any:
        made = synthetic_row(name, CHEST, labels=("light",) if light else ())
        made.split, made.group_id = split, f"p:{name}"
        return made

    images = [
        (row(f"{split}{i}.png", split, i % 2 == 0), image(i % 2 == 0, hash_of(split) + i))
        for split, count in (("train", 44), ("val", 24))
        for i in range(count)
    ]
    real = write_set(tmp_path / "real", images)
    new = [
        (row(f"new{i}.png", "train", True), image(i >= 3, NEW + i))  # the first three are dark
        for i in range(8)
    ]
    source = write_set(tmp_path / "source", new)
    run(source, tmp_path / "out", checks=["off-prompt"], real=real)
    found = entries(tmp_path / "out")
    assert [entry["file"] for entry in found] == [f"train/new{i}.png" for i in range(3)]
    assert "'light'" in found[0]["reason"]


def hash_of(split: str) -> int:
    return 100 * len(split)


def test_a_type_without_real_images_is_named_and_passes(
    real: Path, scorer: Path, tmp_path: Path
) -> None:
    odd = [(synthetic_row("odd.png", "brain MRI"), image_of(CHEST, NEW))]
    source = write_set(tmp_path / "source", [*good(3), *odd])
    with pytest.warns(UserWarning, match="'broken' does not judge brain MRI"):
        result = run(source, tmp_path / "out", checks=["broken"], real=real, scorer=scorer)
    assert (tmp_path / "out" / "train" / "odd.png").is_file()
    assert sum("brain MRI" in text for text in result.warnings) == 1


def test_off_prompt_needs_something_to_tell(tmp_path: Path) -> None:
    real = real_set(tmp_path / "real", (CHEST,))
    source = write_set(tmp_path / "source", good(2))
    with pytest.raises(SynthmedError, match="two types, or labels"):
        run(source, tmp_path / "out", checks=["off-prompt"], real=real)


def test_a_scorer_s_own_training_images_do_not_calibrate_it(
    real: Path, scorer: Path, tmp_path: Path
) -> None:
    rows = [row for row in read_dataset(real).rows if row.split == "train"]
    card = json.loads((scorer / "classifier.json").read_text())
    assert card["groups"] == group_hashes(rows)
    images = []
    for number, row in enumerate(rows):  # the same patients, now as validation rows
        if number % 2:
            row.split = "val"
        images.append((row, image_of(row.image_type, NEW + number)))
    seen = write_set(tmp_path / "seen", images)
    source = write_set(tmp_path / "source", good(2))
    with (
        pytest.warns(UserWarning, match="trained on 24 of the held-out"),
        pytest.raises(SynthmedError, match="trained on all held-out"),
    ):
        run(source, tmp_path / "out", checks=["off-prompt"], real=seen, scorer=scorer)


def test_new_real_images_pass_as_the_threshold_says(
    real: Path, scorer: Path, tmp_path: Path
) -> None:
    """Candidates and calibration images go through the same hands: few good ones are rejected."""
    source = write_set(tmp_path / "source", good(30))
    result = run(source, tmp_path / "out", real=real, train=real, scorer=scorer)
    assert result.by_check.get("blank", 0) == result.by_check.get("duplicate", 0) == 0
    assert result.rejected <= 8
