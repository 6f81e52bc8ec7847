"""Writing: grey levels survive, text travels along, a file is whole or not there."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.errors import SynthmedError
from synthmed.imaging import open_image, open_mask
from synthmed.imaging.spec import spec_range
from synthmed.imaging.writing import (
    to_uint8,
    to_uint16,
    write_atomic,
    write_jpeg,
    write_mask,
    write_png,
)


@pytest.mark.parametrize("channels", [1, 3])
def test_png_returns_each_grey_level(tmp_path: Path, channels: int) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (channels, 30, 20))
    path = tmp_path / "new" / "a.png"
    write_png(path, levels / 127.5 - 1)
    x, spec = open_image(path)
    np.testing.assert_array_equal(np.rint(spec.to_value(x)), levels)
    first = path.read_bytes()
    write_png(path, x)
    assert path.read_bytes() == first  # the same image, the same bytes
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.png"]


def test_rounding_and_clipping() -> None:
    x = np.array([-9.0, -1.0, 0.5 / 127.5 - 1, 1.6 / 127.5 - 1, 1.0, 9.0])
    np.testing.assert_array_equal(to_uint8(x), [0, 0, 0, 2, 255, 255])


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_survive_the_round_trip(tmp_path: Path, channels: int) -> None:
    levels = np.random.default_rng(0).integers(0, 65536, (channels, 30, 20))
    levels[0, 0, :4] = [0, 1, 65534, 65535]
    spec = spec_range(channels, 16, 0.0, 65535.0, "PNG")
    write_png(tmp_path / "a.png", spec.from_value(levels), {"seed": "17"}, "<x/>", bits=16)
    x, spec = open_image(tmp_path / "a.png")
    np.testing.assert_array_equal(np.rint(spec.to_value(x)), levels)
    np.testing.assert_array_equal(to_uint16(x), levels)
    with Image.open(tmp_path / "a.png") as image:  # another reader: text, and the high bytes
        assert (image.info["seed"], image.info["xmp"]) == ("17", b"<x/>")
        other = np.asarray(image)
    if channels == 1:
        np.testing.assert_array_equal(other, levels[0])
    else:
        np.testing.assert_array_equal(other.transpose(2, 0, 1), levels >> 8)
    with pytest.raises(SynthmedError, match="8 or 16"):
        write_png(tmp_path / "a.png", x, bits=12)


def test_masks_of_8_and_16_bits(tmp_path: Path) -> None:
    for top, dtype in ((255, np.uint8), (65535, np.uint16)):
        labels = np.array([[0, 1], [2, top]])
        write_mask(tmp_path / "m.png", labels)
        assert open_mask(tmp_path / "m.png").dtype == dtype
        np.testing.assert_array_equal(open_mask(tmp_path / "m.png"), labels)
    for bad in (np.array([[0.5]]), np.array([[-1]]), np.array([[65536]]), np.zeros((1, 2, 2))):
        with pytest.raises(SynthmedError, match="mask"):
            write_mask(tmp_path / "bad.png", bad)
    assert not (tmp_path / "bad.png").exists()


def test_text_and_xmp_are_read_back(tmp_path: Path) -> None:
    x = np.zeros((1, 8, 8), dtype=np.float32)
    write_png(tmp_path / "a.png", x, {"seed": "17", "name": "µ"}, xmp="<x:xmpmeta/>")
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["seed"] == "17"
        assert image.info["name"] == "µ"
        assert image.info["xmp"] == b"<x:xmpmeta/>"
    write_jpeg(tmp_path / "a.jpg", x, {"seed": "17", "name": "µ"}, xmp="<x:xmpmeta/>")
    with Image.open(tmp_path / "a.jpg") as image:
        assert json.loads(image.info["comment"]) == {"seed": "17", "name": "µ"}
        assert image.info["xmp"] == b"<x:xmpmeta/>"


def test_jpeg_stays_near_the_image(tmp_path: Path) -> None:
    y, x = np.mgrid[:32, :32] / 16 - 1
    image = np.stack([y, x, -y])
    write_jpeg(tmp_path / "a.jpg", image)
    assert abs(open_image(tmp_path / "a.jpg")[0] - image).max() < 0.06


def test_bad_arrays_are_refused(tmp_path: Path) -> None:
    for shape in [(2, 4, 4), (4, 4), (1, 1, 4, 4)]:
        with pytest.raises(SynthmedError, match="not"):
            write_png(tmp_path / "a.png", np.zeros(shape))
    with pytest.raises(SynthmedError, match="NaN"):
        write_png(tmp_path / "a.png", np.full((1, 4, 4), np.nan))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomic(tmp_path / "a.txt", b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SynthmedError, match="No space left"):
        write_atomic(tmp_path / "a.txt", b"new")
    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
