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
from synthmed.imaging import open_image
from synthmed.imaging.writing import to_uint8, write_atomic, write_jpeg, write_png


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
