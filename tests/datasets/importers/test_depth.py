"""The writer's depth and the columns that lead an image back to its unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthmed.datasets import read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter, spec_columns
from synthmed.imaging import ImageSpec, open_image
from synthmed.imaging.spec import spec_8bit

CT = ImageSpec(*(1, 16, 2047.5, 1023.5, "HU", "DICOM"), spacing=(0.5, 0.7), window=(-160.0, 240.0))


@pytest.mark.parametrize("of_row", [False, True])
def test_more_than_8_bits_become_16_bit_png(tmp_path: Path, of_row: bool) -> None:
    values = np.arange(-1024, 3072, dtype=np.float64).reshape(1, 64, 64)
    writer = DatasetWriter(tmp_path / "d", spec_8bit(1, "PNG") if of_row else CT)
    row = Row(Path("a.png"), "images/a.png", "train", "g")
    writer.add(row, CT.from_value(values), spec=CT if of_row else None)
    (found,) = writer.finish().rows
    x, spec = open_image(found.file)
    assert spec.bits == 16
    np.testing.assert_array_equal(np.rint(CT.to_value(x)), values)
    assert ("value_scale" in found.extra) is of_row


def test_8_bits_stay_8_and_say_nothing(tmp_path: Path) -> None:
    plain = spec_8bit(1, "PNG")
    writer = DatasetWriter(tmp_path / "d", plain)
    row = Row(Path("a.png"), "images/a.png", "train", "g")
    writer.add(row, np.zeros((1, 4, 4), np.float32), spec=plain)
    writer.finish()
    (found,) = read_dataset(tmp_path / "d").rows
    assert open_image(found.file)[1].bits == 8
    assert found.extra == {}


def test_columns_of_a_spec() -> None:
    assert spec_columns(CT) == {
        "value_scale": 2047.5,
        "value_offset": 1023.5,
        "unit": "HU",
        "spacing_row": 0.5,
        "spacing_column": 0.7,
        "window_low": -160.0,
        "window_high": 240.0,
    }
    assert spec_columns(spec_8bit(3, "JPEG")) == {}
