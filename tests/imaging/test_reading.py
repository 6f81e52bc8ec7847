"""Reading: every accepted kind of file gives the stored values, every other a clear refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.errors import SynthmedError
from synthmed.imaging import check_image, open_image, open_mask
from synthmed.imaging.reading import MAX_PIXELS

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_grey_png_covers_the_range_and_is_undone_exactly(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    x, spec = open_image(tmp_path / "a.png")
    assert x.shape == (1, 16, 16)
    assert x.dtype == np.float32
    assert (x.min(), x.max()) == (-1.0, 1.0)
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], RAMP)
    np.testing.assert_allclose(spec.from_value(RAMP[None]), x, atol=1e-7)
    assert (spec.channels, spec.bits, spec.source_format) == (1, 8, "PNG")


def test_rgb_keeps_the_order_of_channels(tmp_path: Path) -> None:
    pixels = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=-1)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    x, spec = open_image(tmp_path / "a.png")
    np.testing.assert_array_equal(np.rint(spec.to_value(x)), pixels.transpose(2, 0, 1))
    assert spec.channels == 3


def test_jpeg_grey_and_colour(tmp_path: Path) -> None:
    Image.new("L", (9, 7), 100).save(tmp_path / "g.jpg")
    Image.new("RGB", (9, 7), (200, 100, 50)).save(tmp_path / "c.jpg", subsampling=0)
    grey, spec = open_image(tmp_path / "g.jpg")
    assert grey.shape == (1, 7, 9)
    assert spec.source_format == "JPEG"
    assert abs(spec.to_value(grey) - 100).max() <= 1
    colour, spec = open_image(tmp_path / "c.jpg")
    assert abs(spec.to_value(colour)[:, 0, 0] - [200, 100, 50]).max() <= 3


def test_palettes_one_bit_and_low_bit_files(tmp_path: Path) -> None:
    grey_palette = Image.fromarray(255 - RAMP)
    grey_palette = grey_palette.convert("P")
    grey_palette.putpalette([v for level in range(256) for v in (level, level, level)])
    grey_palette.save(tmp_path / "grey.png")
    x, spec = open_image(tmp_path / "grey.png")
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], 255 - RAMP)
    colour = Image.new("P", (2, 1))
    colour.putpalette([10, 20, 30, 40, 50, 60])
    colour.putpixel((1, 0), 1)
    colour.save(tmp_path / "colour.png")
    x, spec = open_image(tmp_path / "colour.png")
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[:, 0, 1], [40, 50, 60])
    Image.fromarray(RAMP > 100).save(tmp_path / "bit.png")
    x, _ = open_image(tmp_path / "bit.png")
    np.testing.assert_array_equal(x[0], np.where(RAMP > 100, 1.0, -1.0))
    assert check_image(tmp_path / "grey.png").channels == 1
    assert check_image(tmp_path / "colour.png").channels == 3


def test_transparency_is_laid_on_black(tmp_path: Path) -> None:
    pixels = np.zeros((1, 3, 4), dtype=np.uint8)
    pixels[0] = [(200, 100, 50, 255), (200, 100, 50, 0), (200, 100, 50, 51)]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    x, spec = open_image(tmp_path / "a.png")
    expected = [[200, 0, 40], [100, 0, 20], [50, 0, 10]]
    assert abs(spec.to_value(x)[:, 0] - expected).max() <= 1
    Image.fromarray(np.array([[[80, 255], [80, 0]]], dtype=np.uint8)).save(tmp_path / "b.png")
    x, spec = open_image(tmp_path / "b.png")
    np.testing.assert_array_equal(np.rint(spec.to_value(x)), [[[80, 0]]])


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # rotate by 90 degrees when shown
    Image.new("L", (8, 4), 50).save(tmp_path / "a.jpg", exif=exif)
    assert open_image(tmp_path / "a.jpg")[0].shape == (1, 8, 4)


def test_sixteen_bits_are_neither_refused_nor_cut(tmp_path: Path) -> None:
    grey = RAMP.astype(np.uint16) * 257 - RAMP
    Image.fromarray(grey).save(tmp_path / "grey.png")
    for read in (lambda path: open_image(path)[1], check_image):
        spec = read(tmp_path / "grey.png")
        assert (spec.bits, spec.channels, spec.scale, spec.offset) == (16, 1, 32767.5, 32767.5)
    x, spec = open_image(tmp_path / "grey.png")
    assert x.max() > 0.9  # no division by 255 of 16-bit values, no clipping to 255
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], grey)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("read", [open_image, check_image])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, read: object) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path)
    read(path)  # type: ignore[operator]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SynthmedError, match="cannot read this image") as caught:
        read(path)  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").write_text("")
    with pytest.raises(SynthmedError, match="no known format"):
        open_image(tmp_path / "text.png")
    with pytest.raises(SynthmedError, match="empty"):
        open_image(tmp_path / "empty.png")
    with pytest.raises(SynthmedError, match="no such image"):
        open_image(tmp_path / "missing.png")
    Image.new("CMYK", (4, 4)).save(tmp_path / "a.jpg")
    for read in (open_image, check_image):
        with pytest.raises(SynthmedError, match=r"CMYK.*a\.jpg"):
            read(tmp_path / "a.jpg")


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    side = int(MAX_PIXELS**0.5) + 8
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    for read in (open_image, check_image, open_mask):
        with pytest.raises(SynthmedError, match="pixels are more than"):
            read(tmp_path / "bomb.png")


def test_masks_keep_their_labels(tmp_path: Path) -> None:
    labels = np.arange(256, dtype=np.uint16).reshape(16, 16) * 3
    Image.fromarray(labels).save(tmp_path / "instances.png")
    mask = open_mask(tmp_path / "instances.png")
    assert mask.dtype == np.uint16
    np.testing.assert_array_equal(mask, labels)
    Image.fromarray(RAMP > 7).save(tmp_path / "bit.png")
    np.testing.assert_array_equal(open_mask(tmp_path / "bit.png"), RAMP > 7)
    Image.new("RGB", (4, 4)).save(tmp_path / "rgb.png")
    with pytest.raises(SynthmedError, match="one channel"):
        open_mask(tmp_path / "rgb.png")


def test_real_images_of_each_kind(shared_data: Path) -> None:
    for name, channels in {"nih-cxr64": 1, "covid-cxr": 1, "bccd-blood": 3, "head-ct": 1}.items():
        path = sorted((shared_data / name / "images").iterdir())[0]
        x, spec = open_image(path)
        assert x.shape[0] == spec.channels == channels == check_image(path).channels
        assert -1 <= x.min() < x.max() <= 1
    mask = open_mask(sorted((shared_data / "dsb2018-nuclei" / "masks").iterdir())[0])
    assert mask.dtype == np.uint16
    assert len(np.unique(mask)) > 2
