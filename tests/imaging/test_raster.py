"""Raster formats besides 8-bit PNG and JPEG: every bit of 16, animations, pages, hostile files."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from synthmed.errors import SynthmedError
from synthmed.imaging import check_image, open_image
from synthmed.imaging.files import shown
from synthmed.imaging.reading import image_frames

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
DEEP = np.random.default_rng(0).integers(0, 65536, (5, 7, 4)).astype(np.uint16)


def values_of(path: Path, frame: int = 0) -> npt.NDArray[np.float64]:
    x, spec = open_image(path, frame=frame)
    assert x.dtype == np.float32
    assert x.shape[0] == spec.channels
    return np.rint(spec.to_value(x))


@pytest.mark.parametrize("name", ["a.bmp", "a.webp", "a.tiff", "a.gif", "a.pgm", "a.png"])
def test_grey_of_8_bits_whatever_the_name(tmp_path: Path, name: str) -> None:
    options = {"lossless": True} if name == "a.webp" else {}
    Image.fromarray(RAMP).save(tmp_path / name, **options)
    os.rename(tmp_path / name, tmp_path / "renamed.jpg")
    values = values_of(tmp_path / "renamed.jpg")
    np.testing.assert_array_equal(values[0], RAMP)  # WebP knows colour only
    spec = check_image(tmp_path / "renamed.jpg")
    assert spec.channels == (3 if name == "a.webp" else 1) == len(values)
    assert spec.source_format == {"a.pgm": "PPM"}.get(name, name[2:].upper())


def _png16(pixels: npt.NDArray[np.uint16], colour_type: int, filters: list[int]) -> bytes:
    """Encode by the letter of the PNG specification, one filter type a row (none, sub, up, ...)."""
    height, _, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    step, lines, above = 2 * channels, [], np.zeros(rows.shape[1], int)
    for row, kind in zip(rows, filters, strict=True):
        left = np.concatenate([np.zeros(step, int), row[:-step]])
        corner = np.concatenate([np.zeros(step, int), above[:-step]])
        guess = left + above - corner
        distances = np.stack([abs(guess - v) for v in (left, above, corner)])
        paeth = np.choose(distances.argmin(0), [left, above, corner])
        predicted = [0 * row, left, above, (left + above) // 2, paeth][kind]
        lines.append(bytes([kind]) + bytes(((row - predicted) % 256).tolist()))
        above = row
    header = struct.pack(">IIBBBBB", pixels.shape[1], height, 16, colour_type, 0, 0, 0)
    chunks = [b"IHDR" + header, b"IDAT" + zlib.compress(b"".join(lines)), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks
    )


def test_16_bit_colour_png_keeps_every_bit_through_every_filter(tmp_path: Path) -> None:
    colour = DEEP[..., :3]
    (tmp_path / "a.png").write_bytes(_png16(colour, 2, [0, 1, 2, 3, 4]))
    with Image.open(tmp_path / "a.png") as image:
        assert np.asarray(image).dtype == np.uint8  # the trap: Pillow cuts without a word
    np.testing.assert_array_equal(values_of(tmp_path / "a.png"), colour.transpose(2, 0, 1))
    spec = check_image(tmp_path / "a.png")
    assert (spec.bits, spec.channels) == (16, 3)
    broken = (tmp_path / "a.png").read_bytes()[:-40]
    (tmp_path / "a.png").write_bytes(broken)
    for read in (open_image, check_image):
        with pytest.raises(SynthmedError, match="cannot read this image"):
            read(tmp_path / "a.png")


def test_16_bit_alpha_is_laid_on_black(tmp_path: Path) -> None:
    pixels = DEEP.copy()
    pixels[0, :3, 3] = [0, 65535, 32768]
    (tmp_path / "a.png").write_bytes(_png16(pixels, 6, [4, 3, 2, 1, 0]))
    expected = pixels[..., :3].astype(float) * pixels[..., 3:] / 65535
    assert abs(values_of(tmp_path / "a.png") - expected.transpose(2, 0, 1)).max() <= 1
    grey = DEEP[..., :2].copy()
    grey[..., 1] = 65535
    (tmp_path / "b.png").write_bytes(_png16(grey, 4, [0, 1, 2, 3, 4]))
    np.testing.assert_array_equal(values_of(tmp_path / "b.png")[0], grey[..., 0])
    assert check_image(tmp_path / "b.png").channels == 1


def _tiff(
    pixels: npt.NDArray[Any], order: str, compression: int = 1, signed: bool = False
) -> bytes:
    """Write a baseline TIFF of one strip: no compression (1) or deflate (8)."""
    height, width, channels = pixels.shape
    data = pixels.astype(order + ("i2" if signed else "u2")).tobytes()
    data = zlib.compress(data) if compression == 8 else data
    after = 8 + len(data) + len(data) % 2
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, channels, after)]
    tags += [(259, 3, 1, compression), (262, 3, 1, 2 if channels == 3 else 1), (273, 4, 1, 8)]
    tags += [(277, 3, 1, channels), (278, 4, 1, height), (279, 4, 1, len(data))]
    tags += [(339, 3, 1, 2 if signed else 1)] if channels == 1 else []
    out = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", after + 6)
    out += data.ljust(len(data) + len(data) % 2, b"\0") + struct.pack(order + "3H", 16, 16, 16)
    out += struct.pack(order + "H", len(tags))
    for tag, kind, count, value in tags:
        if kind == 3 and count == 1:
            packed = struct.pack(order + "HH", value if tag != 258 else 16, 0)
        else:
            packed = struct.pack(order + "I", value)
        packed = struct.pack(order + "HH", 16, 0) if tag == 258 and count == 1 else packed
        out += struct.pack(order + "HHI", tag, kind, count) + packed
    return out + b"\0\0\0\0"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
def test_16_bit_tiff_keeps_every_bit(tmp_path: Path, order: str, compression: int) -> None:
    colour = DEEP[..., :3]
    (tmp_path / "c.tiff").write_bytes(_tiff(colour, order, compression))
    np.testing.assert_array_equal(values_of(tmp_path / "c.tiff"), colour.transpose(2, 0, 1))
    (tmp_path / "g.tiff").write_bytes(_tiff(DEEP[..., :1], order, compression))
    np.testing.assert_array_equal(values_of(tmp_path / "g.tiff")[0], DEEP[..., 0])
    signed = DEEP[..., :1].astype(int) - 32768
    (tmp_path / "s.tiff").write_bytes(_tiff(signed, order, compression, signed=True))
    np.testing.assert_array_equal(values_of(tmp_path / "s.tiff")[0], signed[..., 0])


def test_pgm_and_ppm_of_more_than_8_bits_go_to_their_maximum(tmp_path: Path) -> None:
    pixels = (DEEP[..., :3] % 4096).astype(">u2")
    (tmp_path / "a.ppm").write_bytes(b"P6 # made\n7 5\n4095\n" + pixels.tobytes())
    np.testing.assert_array_equal(values_of(tmp_path / "a.ppm"), pixels.transpose(2, 0, 1))
    _, spec = open_image(tmp_path / "a.ppm")
    assert (spec.bits, spec.to_value(np.array([1.0]))) == (12, 4095)
    (tmp_path / "a.ppm").write_bytes(b"P6 7 5 4095\n" + pixels.tobytes()[:-1])
    with pytest.raises(SynthmedError, match="shorter"):
        open_image(tmp_path / "a.ppm")
    (tmp_path / "a.ppm").write_bytes(b"P6 7 5 300\n" + pixels.tobytes())
    with pytest.raises(SynthmedError, match="maximum"):
        open_image(tmp_path / "a.ppm")


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tiff", "a.gif"])
def test_animations_and_pages(tmp_path: Path, name: str) -> None:
    colour = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=-1)
    pictures = [Image.fromarray(p) for p in (colour, colour[::-1], colour[:, ::-1])]
    if name == "a.gif":
        pictures = [p.convert("L") for p in pictures]
    options = {"lossless": True} if name == "a.webp" else {}
    pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:], **options)
    assert image_frames(tmp_path / name) == 3
    for number, picture in enumerate(pictures):
        expected = np.asarray(picture)
        expected = expected[None] if expected.ndim == 2 else expected.transpose(2, 0, 1)
        values = values_of(tmp_path / name, number)
        np.testing.assert_array_equal(values[: len(expected)], expected)
    for number in (3, -1):
        with pytest.raises(SynthmedError, match="no frame"):
            open_image(tmp_path / name, frame=number)


def test_frames_that_a_file_cannot_hold_are_refused(tmp_path: Path) -> None:
    pictures = [Image.fromarray(RAMP), Image.fromarray(RAMP.T)]
    pictures[0].save(tmp_path / "a.png", save_all=True, append_images=pictures[1:])
    data = (tmp_path / "a.png").read_bytes()
    at = data.index(b"acTL")
    chunk = b"acTL" + struct.pack(">II", 10**9, 0)
    data = data[:at] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[at + 16 :]
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(SynthmedError, match="cannot hold the 1,000,000,000 frames"):
        image_frames(tmp_path / "a.png")


def test_pipes_devices_and_loops_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    os.symlink("/dev/zero", tmp_path / "zero.png")
    os.symlink(tmp_path / "b.png", tmp_path / "a.png")
    os.symlink(tmp_path / "a.png", tmp_path / "b.png")
    for name in ("pipe.png", "zero.png", "."):
        with pytest.raises(SynthmedError, match="no regular file"):
            open_image(tmp_path / name)
    with pytest.raises(SynthmedError, match="cannot open this file"):
        open_image(tmp_path / "a.png")
    with pytest.raises(SynthmedError, match="cannot open this file"):
        open_image("a\0b.png")


def test_hostile_names_are_printed_safely(tmp_path: Path) -> None:
    name = os.fsdecode(b"\x1b[31m\xff\nred.png")
    (tmp_path / name).write_text("no image")
    with pytest.raises(SynthmedError) as caught:
        open_image(tmp_path / name)
    assert str(caught.value).isprintable()
    assert r"\x1b[31m\xff\nred.png" in shown(name)
