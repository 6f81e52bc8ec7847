"""Detectors: trained, saved, opened, and what they say of unknown images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.ndimage import gaussian_filter

from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SafetyError, SynthmedError
from synthmed.evaluation.detecting import detect
from synthmed.evaluation.detector import CARD, WEIGHTS, Detector
from synthmed.evaluation.detector_checks import weights_digest
from synthmed.evaluation.detector_scores import held_out_figures, logistic
from synthmed.evaluation.detector_training import fit_detector
from synthmed.imaging.spec import spec_8bit
from synthmed.imaging.writing import write_png
from synthmed.measures.agreement import auroc
from synthmed.measures.intervals import wilson

SIZE = 24


def image(seed, synthetic):
    draw = np.random.default_rng([seed, synthetic])
    x = gaussian_filter(draw.standard_normal((1, SIZE, SIZE)), (0, 1, 1)) * 0.8
    x += 0.05 * draw.standard_normal(x.shape)
    if synthetic:
        x += 0.1 * np.cos(np.pi / 2 * np.arange(SIZE))
    return np.clip(x, -1, 1).astype(np.float32)


def dataset(out: Path, made: bool, n=60, start=0, kinds=("chest X-ray", "brain MRI"), **about):
    writer = DatasetWriter(out, spec_8bit(1, "PNG"), {"licences": ["CC0-1.0"], **about})
    for number in range(start, start + n):
        name = f"{'s' if made else 'r'}{number:03d}.png"
        row = Row(Path(name), name, "train", f"{'s' if made else 'r'}:{number // 2}")
        row.image_type = kinds[number % len(kinds)]
        if made:
            row.extra = {"synthetic": True, "generator": "rippler", "generator_hash": "abc"}
        writer.add(row, image(number, made))
    writer.finish()
    return out


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    return (
        dataset(root / "real", False, 120),
        dataset(root / "synthetic", True, 120, synthetic=True),
    )


@pytest.fixture(scope="module")
def folder(sets, tmp_path_factory):
    out = tmp_path_factory.mktemp("detector") / "d"
    fit_detector(*sets, out)
    return out


def test_it_says_what_it_was_trained_on(folder) -> None:
    card = Detector.load(folder).card
    assert card["size"] == SIZE
    assert card["kinds"] == ["brain MRI", "chest X-ray"]
    assert card["generators"] == [{"name": "rippler", "hash": "abc", "images": 120}]
    assert card["real"]["n"] == card["synthetic"]["n"] == 120
    assert len(card["real"]["content_hash"]) == 64
    assert card["auroc"]["low"] > 0.9
    assert set(card["auroc_by_type"]) == set(card["kinds"])
    assert len(card["training_groups"]) == 60
    assert card["threshold"]["false_alarms"]["value"] <= 0.05
    assert "r:1" not in (folder / CARD).read_text()  # no patient's name
    assert sorted(path.name for path in folder.iterdir()) == [CARD, WEIGHTS]


def test_unknown_images_are_scored(folder, tmp_path) -> None:
    for number in range(500, 530):
        write_png(tmp_path / "x" / f"real{number}.png", image(number, False))
        write_png(tmp_path / "x" / f"synthetic{number}.png", image(number, True))
    found = detect([tmp_path / "x"], folder)
    truth = ["synthetic" in each["file"] for each in found.images]
    assert auroc(truth, [each["score"] for each in found.images]) > 0.95
    calls = [each["verdict"] == "likely synthetic" for each in found.images]
    assert np.mean(np.asarray(calls)[truth]) > 0.7
    assert np.mean(np.asarray(calls)[~np.asarray(truth)]) < 0.25
    assert any("the type of 60 images is not stated" in text for text in found.warnings)


def test_the_same_data_and_seed_give_the_same_detector(sets, folder, tmp_path) -> None:
    again = fit_detector(*sets, tmp_path / "again")
    assert again.card["weights_sha256"] == Detector.load(folder).card["weights_sha256"]


def test_the_size_of_an_image_does_not_stop_it(folder, tmp_path) -> None:
    large = image(600, False).repeat(3, axis=1).repeat(3, axis=2)
    write_png(tmp_path / "large.png", large[:, :, :60])
    write_png(tmp_path / "colour.png", image(601, False).repeat(3, axis=0))
    found = detect([tmp_path / "large.png", tmp_path / "colour.png"], folder)
    assert len(found.images) == 2


def test_types_that_it_never_saw_are_uncertain(folder, tmp_path) -> None:
    other = dataset(tmp_path / "skin", False, 6, start=900, kinds=("dermatoscopy",))
    found = detect([other], folder)
    assert {each["verdict"] for each in found.images} == {"uncertain"}
    assert "6 images are of types that the detector never saw (dermatoscopy" in found.warnings[0]


def test_images_unlike_all_others_are_uncertain(folder, tmp_path) -> None:
    draw = np.random.default_rng(0)
    write_png(tmp_path / "noise.png", draw.choice([-1.0, 1.0], (1, SIZE, SIZE)))
    found = detect([tmp_path / "noise.png"], folder)
    assert found.images[0]["verdict"] == "uncertain"
    assert "unlike" in found.images[0]["why"]


def test_patients_that_it_was_trained_on_are_named(sets, folder) -> None:
    found = detect([sets[0]], folder)
    assert len(found.images) == 120
    assert any("120 images are of patients that the detector" in text for text in found.warnings)


def test_one_bad_file_never_stops_the_batch(folder, tmp_path) -> None:
    write_png(tmp_path / "a.png", image(700, False))
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (tmp_path / "notes.txt").write_text("no image")
    write_png(tmp_path / "c.png", np.zeros((1, 20, 20)))
    (tmp_path / ".hidden").write_text("x")
    found = detect([tmp_path, tmp_path / "missing.png"], folder)
    name = tmp_path.name
    assert [each["file"] for each in found.images] == [f"{name}/a.png"]
    reasons = {each["file"]: each["reason"] for each in found.rejected}
    assert set(reasons) == {f"{name}/b.png", f"{name}/notes.txt", f"{name}/c.png", "missing.png"}
    assert "blank" in reasons[f"{name}/c.png"]
    with pytest.raises(SynthmedError, match="no image can be scored"):
        detect([tmp_path / "b.png"], folder)


def test_bad_rows_of_a_dataset_are_listed(folder, tmp_path) -> None:
    data = dataset(tmp_path / "data", False, 6, start=800)
    (data / "train" / "r801.png").write_bytes(b"x")
    found = detect([data], folder)
    assert len(found.images) == 5
    assert [each["file"] for each in found.rejected] == ["r801.png"]


def rewrite(folder: Path, **changes) -> None:
    card = json.loads((folder / CARD).read_text()) | changes
    (folder / CARD).write_text(json.dumps(card))


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_detectors_of_an_unknown_format_are_refused(copy, tmp_path) -> None:
    rewrite(copy, format=2)
    with pytest.raises(SynthmedError, match="format 2; this release reads 1"):
        Detector.load(copy)
    with pytest.raises(SynthmedError, match="no readable detector"):
        Detector.load(tmp_path / "nothing")
    (copy / CARD).write_text("[1]")
    with pytest.raises(SynthmedError, match="format None"):
        Detector.load(copy)


def test_other_weights_are_refused(copy) -> None:
    model = Detector.load(copy)
    changed = {**model.weights, "bias": model.weights["bias"] + 1}
    save_file({k: np.ascontiguousarray(v) for k, v in changed.items()}, copy / WEIGHTS)
    with pytest.raises(SafetyError, match="not those that the detector's card names"):
        Detector.load(copy)
    (copy / WEIGHTS).write_bytes(b"\x80\x04")  # a pickle's first bytes
    with pytest.raises(SynthmedError, match="no readable detector"):
        Detector.load(copy)


@pytest.mark.parametrize(
    "changes",
    [
        {"kinds": ["one"]},
        {"kinds": "two"},
        {"kinds": [1, 2]},
        {"training_groups": 3},
        {"training_groups": [[]]},
        {"size": "24"},
        {"size": 10**9},
        {"threshold": {}},
        {"threshold": None},
        {"unfamiliar_above": None},
        {"features": "other/1"},
    ],
)
def test_cards_that_do_not_fit_are_refused(copy, changes) -> None:
    rewrite(copy, **changes)
    with pytest.raises(SynthmedError):
        Detector.load(copy)


def test_weights_of_another_shape_are_refused(copy) -> None:
    model = Detector.load(copy)
    weights = {
        k: np.ascontiguousarray(v[..., :5] if v.ndim else v) for k, v in model.weights.items()
    }
    save_file(weights, copy / WEIGHTS)
    rewrite(copy, weights_sha256=weights_digest(weights))
    with pytest.raises(SynthmedError, match="other features"):
        Detector.load(copy).scores(np.zeros((1, 1, SIZE, SIZE)))


def test_real_sets_that_are_synthetic_are_refused(sets, tmp_path) -> None:
    with pytest.raises(SynthmedError, match="marked as synthetic"):
        fit_detector(sets[1], sets[0], tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_a_folder_in_use_and_too_few_images_are_refused(sets, folder, tmp_path) -> None:
    with pytest.raises(SynthmedError, match="not empty"):
        fit_detector(*sets, folder)
    few = dataset(tmp_path / "few", True, 10)
    with pytest.raises(SynthmedError, match="comparable real images"):
        fit_detector(sets[0], few, tmp_path / "d")
    with pytest.raises(SynthmedError, match="--size from 16"):
        fit_detector(*sets, tmp_path / "d", size=8)


def test_files_in_both_sets_and_rare_types_are_left_out(sets, tmp_path) -> None:
    real = dataset(tmp_path / "real", False, 120, kinds=("chest X-ray",) * 9 + ("dermatoscopy",))
    made = dataset(tmp_path / "made", True, 100, kinds=("chest X-ray",) * 9 + ("dermatoscopy",))
    for number in range(0, 6, 2):  # real images among the synthetic ones
        shutil.copy(real / "train" / f"r{number:03d}.png", made / "train" / f"s{number:03d}.png")
    model = fit_detector(real, made, tmp_path / "d")
    text = " ".join(model.card["warnings"])
    assert "3 files are in both sets" in text
    assert "fewer than 20 images a side, left out: dermatoscopy" in text
    assert model.kinds == ("chest X-ray",)


def test_at_the_threshold_few_real_images_are_called_synthetic() -> None:
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    odds = draw.normal(size=400) + 3 * labels
    groups, kinds = np.arange(400).astype(str), np.repeat("x", 400)
    found = held_out_figures(labels, odds, groups, kinds, 0)
    assert found["threshold"]["false_alarms"]["value"] == pytest.approx(0.05)
    assert found["threshold"]["found"]["value"] > 0.8
    at = found["threshold"]["value"]
    assert np.mean(logistic(odds[:200]) >= at) == pytest.approx(0.05)
    same = held_out_figures(labels, np.zeros(400), groups, kinds, 0)  # all scores equal
    assert same["threshold"]["false_alarms"]["value"] == 0
    assert same["threshold"]["false_alarms"]["high"] == pytest.approx(wilson(0, 200)[1], abs=1e-6)
    assert same["threshold"]["value"] > 0.5
    apart = held_out_figures(labels, odds + 20 * (2 * labels - 1), groups, kinds, 0)
    assert apart["threshold"]["value"] == 0.5
