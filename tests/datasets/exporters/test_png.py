"""PNG: depths, windows, text chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.datasets import read_dataset
from synthmed.datasets.exporters import export
from synthmed.datasets.exporters.pixels import read_levels
from synthmed.errors import SynthmedError
from synthmed.imaging import open_image

from .conftest import hounsfield

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.parametrize("bits", [None, 8, 16])
def test_depths(mixed: Path, tmp_path: Path, bits: int | None) -> None:
    result = export(mixed, "png", tmp_path / "out", bits=bits)
    assert any("full range" in text for text in result.warnings) == (bits == 8)
    pairs = zip(read_dataset(mixed).rows, read_dataset(tmp_path / "out").rows, strict=True)
    for source, row in pairs:
        before, own = read_levels(source.file)
        after, depth = read_levels(row.file)
        assert depth == (bits or own)
        levels = before.astype(np.int64)
        if (own, depth) == (8, 16):
            levels = levels * 257
        elif (own, depth) == (16, 8):
            levels = np.rint(levels / 257).astype(np.int64)
        assert np.array_equal(after, levels)
        assert row.extra["bits"] == str(depth)


def test_text_chunks_are_kept_and_16_bits_name_the_psnr(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "png", tmp_path / "out", bits=16)
    for row in read_dataset(tmp_path / "out").rows:
        with Image.open(row.file) as image:
            text = dict(image.text)  # type: ignore[attr-defined]
        if row.extra["provenance"] == "real":
            assert text == {}
            continue
        assert text["Source"] == "synthetic"  # the chunk of the source file wins
        assert text["generator"] == "tiny"
        assert text["codec_psnr"] == row.extra["codec_psnr"] == "34.1 dB"
        assert "prompt_sha256" in text
        assert "prompt" not in text
        assert ("not anonymous" in text["Disclaimer"]) == (row.extra["provenance"] == "edited")


def test_without_a_record_the_psnr_is_not_measured(tmp_path: Path) -> None:
    from .conftest import write_mixed

    folder = write_mixed(tmp_path / "d", tmp_path / "m")
    export(folder, "png", tmp_path / "out")
    rows = read_dataset(tmp_path / "out").rows
    told = {row.extra["codec_psnr"] for row in rows if row.extra["provenance"] != "real"}
    assert told == {"", "not measured"}  # 8-bit files say nothing


def test_the_window_of_the_rows_is_used_for_8_bits(volume: Path, tmp_path: Path) -> None:
    export(volume, "png", tmp_path / "out", bits=8)
    for row in read_dataset(tmp_path / "out").rows:
        x, _ = open_image(row.file)
        scale, offset = float(row.extra["value_scale"]), float(row.extra["value_offset"])
        expected = np.clip(hounsfield(int(row.extra["instance"].split(".")[0]) - 1), -160, 240)
        assert abs(x * scale + offset - expected).max() <= 400 / 255 / 2 + 0.1


def test_other_depths_are_refused(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="12 bits"):
        export(mixed, "png", tmp_path / "out", bits=12)
