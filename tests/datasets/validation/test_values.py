"""Constant images, unused ranges, negatives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from made import picture, set_cell, write
from PIL import Image, ImageOps

from synthmed.datasets.validation import validate


def found(folder: Path) -> list[tuple[str, str, str]]:
    return [(f.kind, f.severity, f.where) for f in validate(folder).findings]


def test_a_constant_image(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    Image.new("L", (40, 40), 77).save(folder / "val" / "val1.png")
    assert found(folder) == [("constant", "error", "val: val1.png")]


def test_a_sliver_of_the_range(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    picture(500).point(lambda v: 100 + v // 40).save(folder / "train" / "train2.png")
    assert found(folder) == [("values", "warning", "train: train2.png")]


def test_eight_bits_in_a_sixteen_bit_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    values = np.asarray(picture(501), np.uint16)
    Image.fromarray(values).save(folder / "train" / "train2.png")
    assert found(folder) == [("values", "error", "train: train2.png")]
    Image.fromarray(values * 257).save(folder / "train" / "train2.png")
    assert found(folder) == []


def alike(folder: Path, count: int = 20) -> None:
    """Give all training images the same two dark lungs, with something of their own."""
    y, x = np.mgrid[:80, :96]
    lungs = ((y - 40) ** 2 + (x - 26) ** 2 < 500) | ((y - 40) ** 2 + (x - 70) ** 2 < 500)
    for number in range(count):
        noise = np.asarray(picture(600 + number), np.float64)
        image = np.where(lungs, 20, 200) * 0.8 + noise * 0.2
        Image.fromarray(image.astype(np.uint8)).save(folder / "train" / f"train{number}.png")


def test_a_negative_among_its_kind(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    alike(folder)
    assert found(folder) == []
    with Image.open(folder / "train" / "train8.png") as image:
        negative = ImageOps.invert(image)
    negative.save(folder / "train" / "train8.png")
    assert found(folder) == [("inverted", "warning", "train: train8.png")]


def test_photographs_are_not_taken_for_negatives(tmp_path: Path) -> None:
    def edit(split: str, rows: list[dict[str, object]]) -> list[dict[str, object]]:
        return [row | {"image_type": "dermatoscopy", "modality": "photo"} for row in rows]

    folder = write(tmp_path / "d", edit)
    alike(folder)
    with Image.open(folder / "train" / "train8.png") as image:
        negative = ImageOps.invert(image)
    negative.save(folder / "train" / "train8.png")
    assert found(folder) == []


def test_an_unreadable_file_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", set_cell("train", 3, file_name="missing.png"))
    (folder / "train" / "train1.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    report = validate(folder)
    assert {(f.kind, f.where) for f in report.findings} == {
        ("unreadable", "train1.png"),
        ("unreadable", "missing.png"),
    }
    assert report.rows == 28
