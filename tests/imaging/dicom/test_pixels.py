"""Stored pixels: every depth, sign, colour kind and coding that can be written here comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import RLE, noise, write_dicom
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from synthmed.errors import SynthmedError
from synthmed.imaging.dicom import dicom_frames, open_dicom

TOO_SHORT = "jpeg_2k_lossless_too_short"  # its offset table is; the frames are there


def stored(path: Path, frame: int = 0) -> Any:
    x, spec = open_dicom(path, frame)
    assert x.dtype == np.float32
    return np.rint(spec.to_value(x))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
@pytest.mark.parametrize("coding", ["plain", "RLE", "JPEG 2000"])
def test_grey_of_every_depth(tmp_path: Path, bits: int, signed: bool, coding: str) -> None:
    pixels = noise(36, 33, bits=bits, signed=signed)
    compress = {"plain": None, "RLE": RLE, "JPEG 2000": JPEG2000Lossless}[coding]
    path = write_dicom(tmp_path / "a.dcm", pixels, BitsStored=bits, compress=compress)
    np.testing.assert_array_equal(stored(path)[0], pixels)
    x, spec = open_dicom(path)
    assert (x.min(), x.max()) == (-1, 1)  # the full range of the stored bits
    assert (spec.bits, spec.unit, spec.channels) == (bits, "stored value", 1)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_encodings(tmp_path: Path, syntax: str) -> None:
    pixels = noise(4, 6, bits=16)
    ordered = pixels.astype(">u2") if syntax == ExplicitVRBigEndian else pixels
    np.testing.assert_array_equal(
        stored(write_dicom(tmp_path / "a.dcm", ordered, syntax=syntax))[0], pixels
    )


@pytest.mark.parametrize("compress", [None, RLE])
@pytest.mark.parametrize("bits", [8, 16])
def test_rgb_and_planes(tmp_path: Path, compress: str | None, bits: int) -> None:
    pixels = noise(4, 6, 3, bits=bits)
    path = write_dicom(tmp_path / "a.dcm", pixels, compress=compress)
    np.testing.assert_array_equal(stored(path), pixels.transpose(2, 0, 1))
    if compress is None:
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        path = write_dicom(
            tmp_path / "b.dcm", pixels, PlanarConfiguration=1, PixelData=planes.tobytes()
        )
        np.testing.assert_array_equal(stored(path), planes)


def test_ybr_full_becomes_rgb(tmp_path: Path) -> None:
    colours = np.array([[200, 30, 90], [0, 255, 128], [17, 17, 17]], float)
    r, g, b = colours.T
    y = 0.299 * r + 0.587 * g + 0.114 * b  # PS3.3, C.7.6.3.1.2
    ybr = np.stack([y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402], -1)
    pixels = np.rint(ybr).clip(0, 255).astype(np.uint8)[None].repeat(2, 0)
    path = write_dicom(tmp_path / "a.dcm", pixels, PhotometricInterpretation="YBR_FULL")
    assert abs(stored(path)[:, 0].T - colours).max() <= 2
    path = write_dicom(
        *(tmp_path / "a.dcm", np.zeros((2, 4, 3), np.uint8)),
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=bytes([10, 20, 128, 128, 30, 40, 128, 128]) * 2,
    )
    np.testing.assert_array_equal(stored(path)[:, 0], [[10, 20, 30, 40]] * 3)


def palette(path: Path, pixels: Any, bits: int, count: int = 4, first: int = 0) -> Path:
    entries = np.arange(count) * (2**bits // count)
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for number, name in enumerate(("Red", "Green", "Blue")):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [count, first, bits]
        data = np.roll(entries, number).astype("<u2" if bits == 16 else "u1").tobytes()
        tags[f"{name}PaletteColorLookupTableData"] = data
    return write_dicom(path, pixels, **tags)


@pytest.mark.parametrize("bits", [8, 16])
def test_palette(tmp_path: Path, bits: int) -> None:
    pixels = np.array([[0, 1, 2, 3, 9]], np.uint8).repeat(2, 0)
    values = stored(palette(tmp_path / "a.dcm", pixels, bits))
    step = 2**bits // 4
    np.testing.assert_array_equal(values[0, 0], [0, step, 2 * step, 3 * step, 3 * step])
    np.testing.assert_array_equal(values[1, 0, :2], [3 * step, 0])
    assert open_dicom(tmp_path / "a.dcm")[1].bits == bits


@pytest.mark.parametrize("compress", [None, RLE, JPEG2000Lossless])
def test_frames_are_read_one_by_one(tmp_path: Path, compress: str | None) -> None:
    pixels = noise(5, 36, 33, bits=12)
    path = write_dicom(tmp_path / "a.dcm", pixels, frames=True, BitsStored=12, compress=compress)
    assert dicom_frames(path) == 5
    for number in range(5):
        np.testing.assert_array_equal(stored(path, number)[0], pixels[number])
    for number in (5, -1):
        with pytest.raises(SynthmedError, match="no frame"):
            open_dicom(path, number)


def test_one_bit_frames_that_end_within_a_byte(tmp_path: Path) -> None:
    pixels = noise(3, 5, 5, bits=8) % 2
    bits = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    tags = {"BitsAllocated": 1, "BitsStored": 1, "PixelData": bits + b"\0" * (len(bits) % 2)}
    path = write_dicom(tmp_path / "a.dcm", pixels, frames=True, **tags)
    for number in range(3):
        np.testing.assert_array_equal(stored(path, number)[0], pixels[number])


def test_bits_outside_the_stored_ones_are_cut_off(tmp_path: Path) -> None:
    pixels = noise(4, 6, bits=12)
    dirty = pixels | np.uint16(0xF000)  # an old overlay in the high bits
    np.testing.assert_array_equal(
        stored(write_dicom(tmp_path / "a.dcm", dirty, BitsStored=12))[0], pixels
    )
    shifted = pixels << 4
    path = write_dicom(tmp_path / "a.dcm", shifted, BitsStored=12, HighBit=15)
    np.testing.assert_array_equal(stored(path)[0], pixels)


def test_missing_tags_are_completed_only_where_safe(tmp_path: Path) -> None:
    pixels = noise(4, 6, bits=8)
    missing: dict[str, Any] = dict.fromkeys(
        ("SamplesPerPixel", "PhotometricInterpretation", "PixelRepresentation", "HighBit")
    )
    path = write_dicom(tmp_path / "a.dcm", pixels, **missing)
    np.testing.assert_array_equal(stored(path)[0], pixels)
    for name in ("Rows", "BitsAllocated"):
        path = write_dicom(tmp_path / "a.dcm", pixels, **{name: None})
        with pytest.raises(SynthmedError, match=f"lacks {name}"):
            open_dicom(path)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"Rows": 5}, "cut short"),
        ({"NumberOfFrames": 3}, "cut short"),
        ({"Rows": 60000, "Columns": 60000}, "more than"),
        ({"Rows": 0}, "pixels"),
        ({"BitsStored": 17}, "make no sense"),
        ({"HighBit": 15, "BitsStored": 8}, "high bit"),
        ({"SamplesPerPixel": 3}, "3 samples"),
        ({"PhotometricInterpretation": "HSV"}, "HSV"),
        ({"NumberOfFrames": -4}, "frames"),
        ({"PixelData": None}, "no pixel data"),
    ],
)
def test_contradictions_are_named(tmp_path: Path, tags: dict[str, Any], reason: str) -> None:
    path = write_dicom(tmp_path / "a.dcm", noise(4, 6, bits=8), **tags)
    for read in (open_dicom, dicom_frames):
        with pytest.raises(SynthmedError, match=reason) as caught:
            read(path)
        assert "a.dcm" in str(caught.value)


def test_the_compressed_frame_has_to_fit_the_header(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", noise(36, 33, bits=12), compress=JPEG2000Lossless)
    data = path.read_bytes()
    siz = data.index(b"\xff\x4f\xff\x51") + 8
    lying = data[:siz] + b"\0\0\x7f\xff\0\0\x7f\xff" + data[siz + 8 :]  # 32767 x 32767 pixels
    path.write_bytes(lying)
    with pytest.raises(SynthmedError, match="the compressed frame 32767 x 32767"):
        open_dicom(path)


def test_a_wrong_transfer_syntax_is_overruled_by_the_stream(tmp_path: Path) -> None:
    pixels = noise(36, 33, bits=12)
    path = write_dicom(tmp_path / "a.dcm", pixels, BitsStored=12, compress=JPEG2000Lossless)
    data = path.read_bytes()
    path.write_bytes(data.replace(JPEG2000Lossless.encode(), b"1.2.840.10008.1.2.4.50"))
    np.testing.assert_array_equal(stored(path)[0], pixels)
    path.write_bytes(data.replace(JPEG2000Lossless.encode(), b"1.2.840.10008.1.2.4.99"))
    with pytest.raises(SynthmedError, match=r"a\.dcm"):
        open_dicom(path)


def test_truncated_rle_is_refused(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", noise(30, 30, bits=8), compress=RLE)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(SynthmedError, match=r"a\.dcm"):
        open_dicom(path)


def test_more_than_16_bits_are_refused(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", np.zeros((4, 6), np.uint32))
    with pytest.raises(SynthmedError, match="32 bits cannot be read without loss"):
        open_dicom(path)


def test_every_coding_of_one_shared_image_agrees(shared_data: Path) -> None:
    folder = shared_data / "dicom-samples" / "dicom"
    plain = [stored(folder / "emri_small.dcm", n) for n in range(10)]
    assert np.ptp(plain[0]) > 100
    for name in ("RLE", "big_endian", "jpeg_2k_lossless", "jpeg_ls_lossless", TOO_SHORT):
        for number in (0, 4, 9):
            other = stored(folder / f"emri_small_{name}.dcm", number)
            np.testing.assert_array_equal(other, plain[number])
    liver = [stored(folder / "liver.dcm", n) for n in range(3)]
    for number in range(3):
        np.testing.assert_array_equal(stored(folder / "liver_rle.dcm", number), liver[number])
    assert sum(values.sum() for values in liver) > 100


def test_pydicoms_own_codings_of_one_image_agree() -> None:
    from pydicom.data import get_testdata_file

    names = ("", "_RLE", "_bigendian", "_expb", "_implicit", "_jp2klossless", "_jpeg_ls_lossless")
    plain, *others = (
        stored(Path(str(get_testdata_file(f"MR_small{name}.dcm", download=False))))
        for name in names
    )
    assert np.ptp(plain) > 1000
    for other in others:
        np.testing.assert_array_equal(other, plain)
