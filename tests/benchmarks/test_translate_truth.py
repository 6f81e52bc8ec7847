"""Table 2 of the translation benchmark: no pair is learnt from, masks lie on lesions, and the
comparison tells a right answer from a wrong one."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("monai")

from benchmarks.translate_segmenter import Fitting, Masked, changed, trained
from benchmarks.translate_truth_data import (
    SOURCE,
    TARGET,
    read_mri,
    refuse_pairs,
    training_arrays,
    unpaired,
    write_listing,
)
from benchmarks.translate_truth_pairs import (
    Pairs,
    check_poses,
    head_pairs,
    lesion_images,
    mri_pairs,
)
from benchmarks.translate_truth_report import report
from benchmarks.translate_truth_tables import control_holds, truth_tables, verdict
from benchmarks.translate_truth_values import another, lesion_values, mean, values_of
from benchmarks.translate_use_data import snapped

from synthmed.errors import SafetyError, SynthmedError
from synthmed.imaging.writing import write_png
from synthmed.training.sources import collect_sources
from synthmed.transport.seeds import step_generator

SIDE = 128
SPLITS = {"train": 8, "val": 4, "test": 4}


@pytest.fixture(scope="module")
def mri(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen patients of two slices in three sequences; every first slice has a lesion."""
    folder = tmp_path_factory.mktemp("mri")
    cells, number = [], 0
    for split, count in SPLITS.items():
        for _ in range(count):
            for part in range(2):
                name = f"P{number:02d}_{part}"
                lesion = _disc(40 + 3 * number, 50 + 2 * number, 9) & (part == 0)
                head = _disc(64, 64, 55)
                looks = {
                    SOURCE: np.where(head, 0.1, -1.0),
                    TARGET: np.where(lesion, 0.9, np.where(head, -0.3, -1.0)),
                    "post-contrast": np.where(head, 0.4, -1.0),
                }
                write_png(folder / f"masks/{name}.png", np.where(lesion, 1.0, -1.0)[None])
                for sequence, look in looks.items():
                    file = f"images/{name}_{sequence}.png"
                    write_png(folder / file, look[None])
                    row = [file, sequence, name, part == 0, f"masks/{name}.png", f"P{number:02d}"]
                    cells.append([*map(str, row), split])
            number += 1
    header = ["file_name", "sequence", "pair_id", "has_lesion", "mask", "patient_id", "split"]
    with open(folder / "metadata.csv", "w", newline="") as stream:
        csv.writer(stream).writerows([header, *cells])
    return folder


def _disc(y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (rows - y) ** 2 + (columns - x) ** 2 < radius**2


def test_no_patient_and_no_slice_gives_both_sequences(mri: Path) -> None:
    rows = read_mri(mri)
    assert {row.domain for row in rows} == {SOURCE, TARGET}
    chosen = unpaired(rows)
    patients = {name: {row.group_id for row in of} for name, of in chosen.items()}
    assert not patients[SOURCE] & patients[TARGET]
    assert not {r.study_id for r in chosen[SOURCE]} & {r.study_id for r in chosen[TARGET]}
    learnt = {row.group_id for row in rows if row.split != "test"}
    assert patients[SOURCE] | patients[TARGET] == learnt  # nobody is wasted, no test patient
    for name, of in chosen.items():
        assert {row.domain for row in of} == {name}
        assert {row.split for row in of} == {"train", "val"}
    assert {n: len(x) for n, x in training_arrays(chosen, 32).items()} == {SOURCE: 8, TARGET: 8}
    again = unpaired(rows)
    assert [r.file for r in again[SOURCE]] == [r.file for r in chosen[SOURCE]]
    assert {r.group_id for r in unpaired(rows, 1)[SOURCE]} != patients[SOURCE]


def test_a_planted_pair_or_test_patient_is_refused(mri: Path) -> None:
    rows = read_mri(mri)
    chosen, test = unpaired(rows), {row.group_id for row in rows if row.split == "test"}
    leak = next(r for r in rows if r.domain == TARGET and r.group_id == chosen[SOURCE][0].group_id)
    with pytest.raises(SafetyError, match="both sequences"):
        refuse_pairs({**chosen, TARGET: [*chosen[TARGET], leak]}, test)
    renamed = replace(leak, group_id="lgg:somebody")  # the slice betrays it
    with pytest.raises(SafetyError, match="both sequences"):
        refuse_pairs({**chosen, TARGET: [*chosen[TARGET], renamed]}, test)
    tested = next(row for row in rows if row.split == "test" and row.domain == TARGET)
    with pytest.raises(SafetyError, match="test patients"):
        refuse_pairs({**chosen, TARGET: [*chosen[TARGET], tested]}, test)


def test_the_list_of_sources_holds_the_chosen_rows_and_no_others(mri: Path, tmp_path: Path) -> None:
    chosen = unpaired(read_mri(mri))
    listing = write_listing(mri, chosen, tmp_path / "deep" / "mri.yaml")
    read = collect_sources(str(listing), tmp_path).rows
    expected = {(row.file, row.domain, row.split) for of in chosen.values() for row in of}
    assert {(row.file, row.domain, row.split) for row in read} == expected
    assert {row.image_type for row in read} == {"brain MRI"}


@pytest.mark.parametrize("size", [SIDE, 64])
def test_lesion_masks_lie_on_the_lesions_of_their_slice(mri: Path, size: int) -> None:
    pairs = mri_pairs(read_mri(mri), "test", size)
    assert len(pairs.groups) == 8
    assert pairs.masks is not None
    bright = pairs.target[:, 0] > 0.3
    overlap = (bright & pairs.masks).sum() / (bright | pairs.masks).sum()
    assert overlap == 1 if size == SIDE else overlap > 0.85
    assert pairs.masks.any(axis=(1, 2)).tolist() == [True, False] * 4
    assert (pairs.source[:, 0][pairs.masks] < 0.3).all()
    own = lesion_images(read_mri(mri), "train", size)
    assert len(own.groups) == 16
    assert (own.images[:, 0][own.masks] > 0.3).mean() > 0.85


def test_dice_kept_and_invented_of_known_masks() -> None:
    truth = np.zeros((5, 16, 16), bool)
    truth[:3, 4:8, 4:8] = True
    found = truth.copy()
    found[1, 6:8] = False  # half of it
    found[2] = np.roll(truth[2], 3, axis=0)  # a quarter of it, and as much beside it
    found[3, 0, :8] = True
    found[4, 0, :7] = True
    values = lesion_values(found, truth)
    np.testing.assert_allclose(values["dice"], [1, 2 / 3, 1 / 4, np.nan, np.nan])
    np.testing.assert_array_equal(values["kept"], [1, 1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(values["invented"], [np.nan, np.nan, np.nan, 1, 0])


def test_psnr_and_ssim_of_known_images(rng: np.random.Generator) -> None:
    images = rng.uniform(-0.5, 0.5, (2, 1, 16, 16)).astype(np.float32)
    pairs = Pairs(images, images, ["a", "b"])
    same, off = values_of(images, pairs), values_of(images + np.float32(0.1), pairs)
    np.testing.assert_allclose(same["psnr"], 100)
    np.testing.assert_allclose(same["ssim"], 1)
    np.testing.assert_allclose(off["psnr"], 10 * np.log10(4 / 0.01), atol=1e-3)
    assert (values_of(-images, pairs)["ssim"] < 0).all()  # a negative is no likeness
    assert set(same) == {"psnr", "ssim"}  # no masks, no lesions


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@dataclass(frozen=True)
class Fake:
    """A method whose answer is `sign * image + noise`."""

    name: str
    family: str
    sign: float
    noise: float = 0.0
    parameters: int = 3
    evaluations: float = 16.0

    @property
    def key(self) -> str:
        return f"{self.sign} {self.noise}"

    def translate(self, images: Any, source: str, target: str) -> Any:
        assert (source, target) == ("a", "b")
        draw = np.random.default_rng(1).normal(0, self.noise, images.shape) if self.noise else 0
        return np.clip(self.sign * images + draw, -1, 1).astype(np.float32)


def _pairs(rng: np.random.Generator, start: int, count: int) -> Pairs:
    """Pairs whose truth is the negative."""
    small = rng.uniform(-0.8, 0.8, (count, 1, 8, 8))
    images = snapped(small.repeat(3, axis=2).repeat(3, axis=3))
    return Pairs(images, -images, [f"p{start + i // 2}" for i in range(count)])


def _report(rng: np.random.Generator, tmp_path: Path, ours: float) -> dict[str, Any]:
    methods = [
        Fake("identity", "identity", 1.0, evaluations=0),
        Fake("SDEdit, depth 0.6", "SDEdit", -1.0, 0.4),
        Fake("SDEdit, depth 0.3", "SDEdit", -1.0, 0.8),
        Fake("ours, depth 0.6", "ours", 0.5 * ours),
        Fake("ours, depth 0.3", "ours", ours),
    ]
    sides = _pairs(rng, 0, 8), _pairs(rng, 100, 12)
    return report(tmp_path, "test", methods, ("a", "b"), sides)


def test_a_right_answer_beats_wrong_ones_and_the_control_is_flagged(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    row = _report(rng, tmp_path, -1.0)
    assert (row["n"], row["groups"], row["n_choosing"]) == (12, 6, 8)
    taken = {line["family"]: line["method"] for line in row["lines"] if line["chosen"]}
    assert taken["ours"] == "ours, depth 0.3"
    assert taken["SDEdit"] == "SDEdit, depth 0.6"
    line = next(line for line in row["lines"] if line["method"] == "ours, depth 0.3")
    assert line["ssim"]["value"] > 0.999
    assert line["to_identity"]["ssim"]["low"] > 0.5
    assert {one["other"] for one in row["compared"]} == {"identity", "SDEdit, depth 0.6"}
    for one in row["compared"]:
        assert one["ours"] == "ours, depth 0.3"
        assert verdict(one["differences"]["ssim"]) == "better"
        assert verdict(one["differences"]["psnr"]) == "better"
    assert control_holds(row)
    scores, differences = truth_tables({"truth: two doses": row})
    assert "ours, depth 0.3" in scores.text()
    assert "Control flagged as worse" in differences.text()


def test_a_wrong_answer_is_worse_and_fails_the_control(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    row = _report(rng, tmp_path, 1.0)  # no better than the source
    against = next(one for one in row["compared"] if one["other"].startswith("SDEdit"))
    assert verdict(against["differences"]["ssim"]) == "worse"
    assert verdict({"value": 0.0, "low": 0.0, "high": 0.0}) == "not shown"
    assert not control_holds(row)
    assert "CONTROL FAILED" in truth_tables({"truth: two doses": row})[1].text()


def test_images_that_choose_a_depth_do_not_judge_it(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    one = _pairs(rng, 0, 8)
    with pytest.raises(SynthmedError, match="both choose and judge"):
        report(tmp_path, "test", [Fake("identity", "identity", 1.0)], ("a", "b"), (one, one))


def test_another_is_always_of_another_patient() -> None:
    groups = ["a", "a", "b", "c", "c", "c"]
    assert all(groups[j] != groups[i] for i, j in enumerate(another(groups)))
    with pytest.raises(SynthmedError, match="no other"):
        another(["a", "a"])


def test_a_mean_needs_two_patients_with_a_value() -> None:
    values = np.asarray([1.0, 0.5, np.nan])
    assert mean(values, ["a", "a", "b"]) is None
    found = mean(values, ["a", "b", "b"])
    assert found is not None
    assert (found["value"], found["n"], found["patients"]) == (0.75, 2, 2)


def test_poses_are_unpaired_in_training_and_paired_in_the_test() -> None:
    check_poses((["1"], ["2"]), ["8", "9"], ["8", "9"])
    with pytest.raises(SafetyError, match="both exposures"):
        check_poses((["1"], ["1"]), ["8"], ["8"])
    with pytest.raises(SafetyError, match="was trained on"):
        check_poses((["1"], ["2"]), ["2"], ["2"])
    with pytest.raises(SynthmedError, match="differ"):
        check_poses((["1"], ["2"]), ["8", "9"], ["9", "8"])


def _discs(count: int, seed: int, name: str) -> Masked:
    """Bright discs on a noisy ground, 32 pixels."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:32, :32]
    y, x = rng.uniform(8, 24, (2, count, 1, 1))
    masks = (rows - y) ** 2 + (columns - x) ** 2 < 36
    images = np.where(masks, 0.5, -0.5) + rng.normal(0, 0.2, masks.shape)
    groups = [f"{name}{i}" for i in range(count)]
    return Masked(np.clip(images, -1, 1)[:, None].astype(np.float32), masks, groups)


def test_a_segmenter_learns_discs_is_kept_and_stops_early(tmp_path: Path) -> None:
    train, val, test = _discs(24, 0, "t"), _discs(6, 1, "v"), _discs(6, 2, "x")
    fitting = Fitting(4000, 320, 160, ("shift", "gain"), batch=8, tiny=True)
    first = trained(train, val, fitting, 0, tmp_path)
    overlap = (first(test.images) & test.masks).sum() / (first(test.images) | test.masks).sum()
    assert overlap > 0.8
    assert first.facts["views"] < 4000  # it stopped: nothing got better
    assert first.facts["views"] - first.facts["best_at"] >= 320
    files = sorted(tmp_path.iterdir())
    again = trained(train, val, fitting, 0, tmp_path)
    assert sorted(tmp_path.iterdir()) == files  # opened, not trained
    assert again.facts == first.facts
    np.testing.assert_array_equal(again(test.images), first(test.images))
    shorter = Fitting(16, 320, 160, ("shift", "gain"), batch=8, tiny=True)
    assert trained(train, val, shorter, 0, tmp_path).facts["views"] == 16
    assert len(list(tmp_path.iterdir())) == len(files) + 2


def test_a_segmenter_refuses_shared_patients_and_loose_masks(tmp_path: Path) -> None:
    train = _discs(4, 0, "t")
    with pytest.raises(SynthmedError, match="in training and in validation"):
        trained(train, train.take([0]), Fitting(8, 8, 8, tiny=True), 0, tmp_path)
    with pytest.raises(SynthmedError, match="masks"):
        Masked(train.images, train.masks[:2], train.groups)


def test_masks_move_with_their_images_and_keep_their_values() -> None:
    side = _discs(1, 0, "t")
    image = np.where(side.masks, 0.4, -0.6)[:, None].astype(np.float32)[0]
    moved, brighter = 0, 0
    for step in range(8):
        both = changed(image, side.masks[0], ("flip", "shift", "gain"), step_generator(0, step))
        assert set(np.unique(both[1])) == {0.0, 1.0}
        assert ((both[0] > 0) == (both[1] > 0)).all()
        moved += not np.array_equal(both[1] > 0, side.masks[0])
        brighter += bool((both[0].max() - 0.4).abs() > 1e-3)
    assert moved > 4
    assert brighter > 4


def test_the_real_slices_are_aligned_and_dealt_without_leakage(shared_data: Path) -> None:
    rows = read_mri(shared_data / "lgg-brain-mri")
    chosen = unpaired(rows)
    patients = [{row.group_id for row in of if row.split == "train"} for of in chosen.values()]
    assert sorted(map(len, patients)) == [23, 26]  # all 49; three give one sequence only
    pairs = mri_pairs(rows, "test", 64)
    assert (len(pairs.groups), len(set(pairs.groups))) == (38, 14)
    assert pairs.masks is not None
    with_lesion = np.flatnonzero(pairs.masks.any(axis=(1, 2)))
    brighter = []
    for i in with_lesion:
        flair, lesion = pairs.target[i, 0], pairs.masks[i]
        brain = (pairs.source[i, 0] > -0.8) & ~lesion
        brighter.append(flair[lesion].mean() > flair[brain].mean())
    assert np.mean(brighter) > 0.9  # a mask of another slice, or turned over, is not


def test_the_one_head_is_aligned(shared_data: Path) -> None:
    pairs = head_pairs(shared_data / "brain-t1-pd-pairs", 64, 4)
    assert len(pairs.groups) == 4
    inside = [(x[0] > -0.9, y[0] > -0.9) for x, y in zip(pairs.source, pairs.target, strict=True)]
    assert min((a & b).sum() / (a | b).sum() for a, b in inside) > 0.6
