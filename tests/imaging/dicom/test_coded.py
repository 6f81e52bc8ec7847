"""Codings that GDCM writes, and what a codestream says of itself."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from dicom_files import noise, recode, write_dicom
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from synthmed.errors import SynthmedError
from synthmed.imaging.dicom import open_dicom
from synthmed.imaging.dicom.codestream import plain_jpeg, stream_size

CODINGS = ["JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless"]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("syntax", CODINGS)
def test_lossless_codings(tmp_path: Path, syntax: str, bits: int, signed: bool) -> None:
    pixels = noise(36, 33, bits=bits, signed=signed)
    path = write_dicom(tmp_path / "a.dcm", pixels, BitsStored=bits)
    x, spec = open_dicom(recode(path, syntax))
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], pixels)


def test_lossless_colour(tmp_path: Path) -> None:
    pixels = noise(36, 33, 3, bits=8)
    for syntax in ("JPEGLosslessProcess14_1", "JPEGLSLossless"):
        x, spec = open_dicom(recode(write_dicom(tmp_path / "a.dcm", pixels), syntax))
        np.testing.assert_array_equal(np.rint(spec.to_value(x)), pixels.transpose(2, 0, 1))


def baseline(tmp_path: Path, rows: int = 36) -> tuple[Path, bytes]:
    grey = np.linspace(0, 255, 36 * 34).reshape(36, 34).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "JPEG", quality=95)
    data = {"PixelData": encapsulate([stream.getvalue()]), "syntax": JPEGBaseline8Bit}
    path = tmp_path / "a.dcm"
    write_dicom(path, grey, Rows=rows, **data)
    return path, stream.getvalue()


def test_baseline_jpeg(tmp_path: Path) -> None:
    path, _ = baseline(tmp_path)
    x, spec = open_dicom(path)
    expected = np.linspace(0, 255, 36 * 34).reshape(1, 36, 34)
    assert abs(spec.to_value(x) - expected).max() < 6
    path, _ = baseline(tmp_path, rows=35)
    with pytest.raises(SynthmedError, match="35 x 34 pixels, the compressed frame 36 x 34"):
        open_dicom(path)


def test_size_of_streams(tmp_path: Path) -> None:
    _, data = baseline(tmp_path)
    size = stream_size(data)
    assert (size.rows, size.columns, size.samples, size.bits, size.process) == (36, 34, 1, 8, 0xC0)
    for broken in (b"", b"\xff\xd8", data[:30], b"\xff\xd8\xff\xe0\xff\xff", b"\xff\x4f\xff\x51\0"):
        with pytest.raises(SynthmedError, match="header"):
            stream_size(broken)


def test_plain_jpeg_drops_what_decoders_stumble_over(tmp_path: Path) -> None:
    _, data = baseline(tmp_path)
    plain = plain_jpeg(data)
    assert b"JFIF" in data
    assert b"JFIF" not in plain
    with Image.open(io.BytesIO(data)) as a, Image.open(io.BytesIO(plain)) as b:
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    start = data.index(b"\xff\xc4")
    for broken in (
        data[:start] + b"\0" + data[start:],  # a stray byte
        data[: start + 5] + b"\xff" + data[start + 6 :],  # more codes than the segment holds
        data[: data.index(b"\xff\xda")],
    ):
        with pytest.raises(SynthmedError, match="compressed frame"):
            plain_jpeg(broken)
