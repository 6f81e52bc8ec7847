"""The same patient, the same pixels and nearly the same image in two splits."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from made import picture, set_cell, write
from PIL import Image

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.validation import LEAKS, validate

Edit = Callable[[Image.Image], Image.Image]


def kinds(folder: Path) -> dict[str, int]:
    return validate(folder, leakage_only=True).counts


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue()))


def test_a_clean_folder_has_no_leak(tmp_path: Path) -> None:
    report = validate(write(tmp_path / "d"))
    assert (report.rows, report.findings, report.leaks) == (30, [], [])


def test_a_patient_in_two_splits(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", set_cell("val", 2, group_id="h:train7"))
    report = validate(folder)
    assert [(f.kind, f.severity, f.where) for f in report.findings] == [
        ("group", "error", "train: train7.png, val: val2.png")
    ]
    assert report.findings[0].message == "group h:train7 is in train and val"
    assert report.leaks == report.findings


def test_the_same_pixels_in_another_file_format_and_mode(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    with Image.open(folder / "train" / "train4.png") as image:
        image.convert("RGB").save(folder / "test" / "test1.png", compress_level=1)
    (leak,) = validate(folder).leaks
    assert (leak.kind, leak.where) == ("pixels", "train: train4.png, test: test1.png")
    assert (folder / "train" / "train4.png").read_bytes() != (
        folder / "test" / "test1.png"
    ).read_bytes()


def test_the_same_pixels_in_one_split_are_no_leak(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    picture(3).save(folder / "train" / "train9.png")
    report = validate(folder)
    assert [(f.kind, f.severity) for f in report.findings] == [("duplicate", "warning")]
    assert report.leaks == []
    assert kinds(folder) == {}


@pytest.mark.parametrize(
    "edit",
    [
        lambda x: jpeg(x.resize((48, 40)), 75),
        lambda x: jpeg(x.resize((144, 120)), 50),
        lambda x: x.point(lambda v: min(255, int(1.2 * v))),
        lambda x: x.point(lambda v: int(0.7 * v)),
        lambda x: x.point(lambda v: min(255, v + 25)),
        lambda x: jpeg(x.point(lambda v: int(255 * (v / 255) ** 1.3)), 60),
    ],
    ids=["half", "larger", "bright", "dark", "offset", "gamma"],
)
def test_a_changed_copy_in_another_split(tmp_path: Path, edit: Edit) -> None:
    folder = write(tmp_path / "d")
    edit(picture(11)).save(folder / "val" / "val3.png")
    report = validate(folder)
    assert [(f.kind, f.where) for f in report.findings] == [
        ("near-duplicate", "train: train11.png, val: val3.png")
    ]
    assert set(LEAKS) >= {f.kind for f in report.leaks}


def test_val_and_test_are_compared_too(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    jpeg(picture(21), 80).save(folder / "test" / "test0.png")
    assert kinds(folder) == {"near-duplicate": 1}


def test_a_changed_copy_in_the_same_split_is_left_alone(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    jpeg(picture(5), 60).save(folder / "train" / "train6.png")
    assert kinds(folder) == {}


def test_a_folder_that_was_read_can_be_given(tmp_path: Path) -> None:
    folder = read_dataset(write(tmp_path / "d", set_cell("val", 0, group_id="h:train0")))
    assert validate(folder).counts == {"group": 1}


def test_real_sets_have_the_duplicates_that_eyes_confirmed(shared_data: Path) -> None:
    report = validate(shared_data / "busi-breast-us", leakage_only=True)
    assert {f.where for f in report.findings} == {
        "train: images/benign_052.jpg, test: images/benign_134.jpg",
        "train: images/benign_262.jpg, test: images/benign_205.jpg",
        "train: images/normal_107.jpg, test: images/normal_104.jpg",
    }


@pytest.mark.parametrize("name", ["lgg-brain-mri", "mini-mias-mammography", "nih-cxr64"])
def test_real_sets_without_duplicates_raise_no_alarm(shared_data: Path, name: str) -> None:
    assert kinds(shared_data / name) == {}
