"""Table 3 of the translation benchmark: the right lungs, nobody's own mask in training, and a test
that tells a gain from none."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("monai")
pytest.importorskip("nanodrr")

from benchmarks.translate_classic import Identity
from benchmarks.translate_data import Images
from benchmarks.translate_methods import made
from benchmarks.translate_renders import ct, lung_labels
from benchmarks.translate_segmenter import Fitting, Masked
from benchmarks.translate_use_data import (
    folds,
    masked_patients,
    mean_mask,
    real_lungs,
    rendered_lungs,
    shuffled,
    snapped,
)
from benchmarks.translate_use_scores import Scores, same_for_all_seeds
from benchmarks.translate_use_tables import (
    CEILING,
    CONTROL,
    FLOOR,
    IDENTITY,
    NONE,
    OURS,
    use_tables,
    verdicts,
)

from benchmarks import translate_use as script
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_png
from synthmed.xray.ct import CT

SIZE, SMALL = 64, 32


def _lungs(rng: np.random.Generator, side: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Two discs somewhere in the image: left and right."""
    rows, columns = np.mgrid[:side, :side] * (SIZE / side)
    y, x = rng.uniform(12, 52), rng.uniform(20, 44)
    return tuple((rows - y) ** 2 + (columns - x - dx) ** 2 < 49 for dx in (9, -9))


def _look(lungs: np.ndarray, rng: np.random.Generator, sign: float) -> np.ndarray:
    """Dark lungs in a bright body (sign 1), or the other way round."""
    look = sign * np.where(lungs, -0.6, 0.5) + rng.normal(0, 0.15, lungs.shape)
    return np.clip(look, -1, 1)[None].astype(np.float32)


@pytest.fixture(scope="module")
def covid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten patients with both lungs outlined, one with one lung, one with airways, one with none."""
    folder = tmp_path_factory.mktemp("shared") / "covid-cxr"
    rng, cells = np.random.default_rng(3), []
    for number in range(13):
        left, right = _lungs(rng, 96)
        if number == 1:  # a tall image, padded on both sides
            left, right = left[:, 12:84], right[:, 12:84]
        write_png(folder / f"images/{number}.png", _look(left | right, rng, 1.0))
        outlined = {"left_lung": left, "right_lung": right, "airways": left & ~left}
        names = list(outlined)[: 3 if number < 10 else 1]
        names = {11: ["airways"], 12: []}.get(number, names)
        for name in names:
            file = folder / f"masks/{number}__{name}.png"
            write_png(file, np.where(outlined[name], 1.0, -1.0)[None])
        masks = json.dumps({name: f"masks/{number}__{name}.png" for name in names})
        cells.append([f"images/{number}.png", str(100 + number), masks, "train", "a note, long"])
    with open(folder / "metadata.csv", "w", newline="") as stream:
        header = ["file_name", "patient_id", "masks", "split", "text"]
        csv.writer(stream).writerows([header, *cells])
    return folder


def test_every_patient_with_an_outlined_lung_is_kept_from_training(covid: Path) -> None:
    assert masked_patients(covid) == {str(100 + number) for number in range(11)}


def test_both_lungs_are_tested_and_lie_on_the_image(covid: Path) -> None:
    real, inside = real_lungs(covid, SIZE)
    assert real.groups == [f"covid-cxr:{100 + number}" for number in range(10)]
    assert real.images.shape == (10, 1, SIZE, SIZE)
    assert inside[1, 0].tolist() == [False] * 8 + [True] * 48 + [False] * 8
    assert inside[0].all()
    assert not (real.masks & ~inside).any()
    dark = (real.images[:, 0] < -0.05) & inside
    assert (dark & real.masks).sum() / (dark | real.masks).sum() > 0.9
    assert real.masks[0, :, :32].any()
    assert real.masks[0, :, 32:].any()
    assert len(real_lungs(covid, SIZE, 4)[0].groups) == 4


def _rendered(folder: Path, seed: int, name: str, count: int, broken: bool = False) -> Images:
    rng, rows, images = np.random.default_rng(seed), [], []
    for number in range(count):
        left, right = _lungs(rng, SMALL)
        images.append(_look(left | right, rng, -1.0))
        file = folder / f"{name}{number}.png"
        write_png(file, np.where(left | right, 1.0, -1.0)[None])
        row = Row(file, file.name, "train", "ct", mask_file=None if broken and number else file)
        rows.append(row)
    return Images(np.stack(images), rows, [f"{name} {number}" for number in range(count)])


@pytest.fixture
def bench(covid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Renders whose grey levels are turned round, small segmenters, "ours" turning them back."""
    parts = {
        "train": _rendered(tmp_path, 0, "train", 24),
        "val": _rendered(tmp_path, 1, "val", 6),
    }
    ways = {OURS: lambda images: -images, IDENTITY: Kept(tmp_path)}
    monkeypatch.setattr(script, "method_of", lambda bench, way, domains: ways[way])
    monkeypatch.setattr(script, "SIZE", SMALL)
    fitting = Fitting(800, 400, 200, ("shift",), batch=8, tiny=True)
    monkeypatch.setattr(script, "fitting_of", lambda bench, operations: fitting)
    return SimpleNamespace(
        shared=covid.parent,
        work=tmp_path / "work",
        device="cpu",
        profile=SimpleNamespace(tiny=True, images=None),
        data=SimpleNamespace(part=lambda domain, split: parts[split]),
    )


class Kept:
    """Identity, through the files of the benchmark."""

    def __init__(self, work: Path) -> None:
        self.work = work

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return made(self.work, Identity(), images, "a", "b", "use")


def test_the_table_tells_a_gain_from_none(bench: Any) -> None:
    ways = (NONE, IDENTITY, OURS, CONTROL, FLOOR)
    rows = {f"use: {way}": script.way_row(bench, way) for way in ways}
    none, ours = rows[f"use: {NONE}"], rows[f"use: {OURS}"]
    assert none["dice"]["value"] < 0.6  # bright lungs were learnt, dark ones are asked for
    assert ours["dice"]["value"] > 0.8
    assert ours["gain"]["low"] > 0.1
    same = rows[f"use: {IDENTITY}"]["gain"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
    assert rows[f"use: {CONTROL}"]["to_ours"]["high"] < 0
    assert rows[f"use: {FLOOR}"]["segmenters"] == []
    text = use_tables(json.loads(json.dumps(rows)))[0].text()
    assert f"{OURS}: helps (" in text
    assert "shuffled masks flagged as worse" in text


def test_the_ceiling_tests_every_image_by_networks_of_other_patients(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "fitting_of", lambda bench, operations: Fitting(8, 8, 8, batch=8))
    scores, facts = script._scores(bench, CEILING)
    assert scores.dices.shape == (2, 10)
    assert np.isfinite(scores.dices).all()
    assert len(facts) == 2 * 3  # seeds, folds
    assert all(fact["images"] + 3 <= 10 for fact in facts)


def test_renders_need_their_masks(bench: Any, tmp_path: Path) -> None:
    side = rendered_lungs(bench, "render-standard", "val")
    assert ((side.images[:, 0] > 0) == side.masks).mean() > 0.95
    broken = _rendered(tmp_path, 1, "broken", 3, broken=True)
    other = SimpleNamespace(data=SimpleNamespace(part=lambda domain, split: broken))
    with pytest.raises(SynthmedError, match="2 renders have no lung mask"):
        rendered_lungs(other, "render-standard", "val")


def test_no_image_keeps_its_own_mask() -> None:
    masks = np.zeros((7, 4, 4), bool)
    masks.reshape(7, 16)[np.arange(7), np.arange(7)] = True
    side = Masked(np.zeros((7, 1, 4, 4), np.float32), masks, list("abcdefg"))
    for seed in range(20):
        mixed = shuffled(side, seed)
        assert not (mixed.masks & masks).any()
        assert mixed.masks.sum() == 7
        assert (mixed.masks.sum(axis=0) == masks.sum(axis=0)).all()
    with pytest.raises(SynthmedError, match="one mask"):
        shuffled(side.take([0]), 0)


def test_the_mean_mask_holds_what_half_of_the_masks_hold() -> None:
    masks = np.zeros((4, 2, 2), bool)
    masks[:2, 0, 0] = masks[:1, 0, 1] = masks[:, 1, 1] = True
    side = Masked(np.zeros((4, 1, 2, 2), np.float32), masks, list("abcd"))
    np.testing.assert_array_equal(mean_mask(side), [[True, False], [False, True]])


def test_cross_fitting_never_trains_on_the_tested_patient() -> None:
    groups = [f"p{i // 2}" for i in range(22)]
    found = folds(groups, 5)
    tested = np.concatenate([parts["test"] for parts in found])
    assert sorted(tested.tolist()) == list(range(22))
    for parts in found:
        names = {key: {groups[i] for i in rows} for key, rows in parts.items()}
        assert names["test"].isdisjoint(names["train"] | names["val"])
        assert names["train"].isdisjoint(names["val"])
        assert sum(map(len, parts.values())) == 22
    with pytest.raises(SynthmedError, match="three folds"):
        folds(["a", "b"], 5)


def test_means_and_paired_differences_of_known_dices() -> None:
    groups = ["a", "a", "b", "c", "d", "e", "f", "g"]
    dices = np.random.default_rng(0).uniform(0.5, 0.8, (3, 8))
    one, better = Scores(dices, groups), Scores(dices + 0.1, groups)
    row = one.row()
    assert row["dice"]["value"] == pytest.approx(dices.mean(), abs=1e-6)
    assert row["by_seed"] == pytest.approx(dices.mean(axis=1).tolist(), abs=1e-6)
    assert row["dice"]["low"] < row["dice"]["value"] < row["dice"]["high"]
    gain = better.minus(one)  # the same everywhere: no spread
    for end in ("value", "low", "high"):
        assert gain[end] == pytest.approx(0.1, abs=1e-6)
    same = one.minus(one)
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
    noise = Scores(dices + np.random.default_rng(1).normal(0, 0.2, dices.shape), groups)
    found = noise.minus(one)
    assert found["low"] < 0 < found["high"]
    flat = same_for_all_seeds(dices[0], 3, groups)
    assert flat.row()["by_seed"] == [pytest.approx(dices[0].mean(), abs=1e-6)] * 3
    with pytest.raises(SynthmedError, match="same images"):
        one.minus(Scores(dices[:2], groups))


def _change(low: float, high: float) -> dict[str, float]:
    return {"value": (low + high) / 2, "low": low, "high": high}


@pytest.mark.parametrize(
    ("same", "gain", "to_control", "shuffled", "said"),
    [
        ((0, 0), (0.1, 0.2), (0.1, 0.3), (-0.3, -0.1), "ours, depth 0.45: helps ("),
        ((0, 0), (0.1, 0.2), (-0.1, 0.3), (-0.3, -0.1), "helps no more than shuffled masks"),
        ((0, 0), (-0.2, -0.1), (0.1, 0.3), (-0.3, -0.1), "ours, depth 0.45: harms"),
        ((0, 0), (-0.1, 0.2), (0.1, 0.3), (-0.3, -0.1), "ours, depth 0.45: no gain shown"),
        ((0, 0.01), (0.1, 0.2), (0.1, 0.3), (-0.3, -0.1), "identity makes a difference"),
        ((0, 0), (0.1, 0.2), (0.1, 0.3), (-0.3, 0.1), "not flagged as worse"),
    ],
)
def test_verdicts_follow_the_rules_that_were_set(same, gain, to_control, shuffled, said) -> None:
    found = {
        IDENTITY: {"gain": _change(*same)},
        OURS: {"gain": _change(*gain), "to_control": _change(*to_control)},
        CONTROL: {"gain": _change(-0.1, 0.1), "to_ours": _change(*shuffled)},
    }
    assert said in verdicts(found)
    assert "not measured yet" in verdicts({OURS: found[OURS]})


def test_images_through_the_files_stay_as_they_are(tmp_path: Path) -> None:
    images = snapped(np.random.default_rng(0).uniform(-1.2, 1.2, (3, 1, 16, 16)))
    kept = made(tmp_path, Identity(), images, "a", "b", "use")
    assert kept.tobytes() == images.tobytes()
    assert snapped(images).tobytes() == images.tobytes()


def test_lungs_are_what_holds_air_and_is_large() -> None:
    hu = np.full((60, 60, 60), 40.0, np.float32)
    labels = np.zeros(hu.shape, np.uint16)
    for label, place, value in (
        (3, np.s_[2:22, 10:40, 10:40], -850.0),  # 144 ml of air
        (4, np.s_[32:52, 10:40, 10:40], -700.0),
        (5, np.s_[26:30, 26:30, 5:55], -980.0),  # the trachea: 6 ml
        (6, np.s_[22:32, 10:40, 10:40], 50.0),  # the heart
    ):
        hu[place], labels[place] = value, label
    volume = CT(hu, np.diag([2.0, 2.0, 2.0, 1.0]), labels, {}, "made")
    assert lung_labels(volume) == (3, 4)


def test_the_real_lung_labels_are_the_five_lobes_in_their_places(shared_data: Path) -> None:
    volume = ct(shared_data)
    assert volume.labels_XYZ is not None
    found = lung_labels(volume)
    assert found == (10, 11, 12, 13, 14)  # numbered as by TotalSegmentator 2
    places, air = {}, []
    for label in found:
        inside = volume.labels_XYZ == label
        places[label] = (volume.affine @ [*np.argwhere(inside).mean(axis=0), 1.0])[:3]
        air.append(volume.hu_XYZ[inside].mean())
    assert max(air) < -750
    spine = (volume.affine @ [*np.argwhere(volume.hu_XYZ > 200).mean(axis=0), 1.0])[0]
    assert [places[label][0] > spine for label in found] == [False, False, True, True, True]
    assert places[10][2] > places[11][2]  # left: upper above lower
    assert places[12][2] > max(places[13][2], places[14][2])  # right: upper above the others
    assert places[13][1] > places[14][1]  # the middle lobe lies in front
