"""Headers: with and without preamble, deflated, lying; bounded whatever they say."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_files import noise, write_dicom
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from synthmed.errors import SynthmedError
from synthmed.imaging import open_image
from synthmed.imaging.dicom import open_dicom, read_header
from synthmed.imaging.files import MAX_ELEMENT

PIXELS = noise(4, 6, bits=16)


def test_header_without_pixel_data(tmp_path: Path) -> None:
    header = read_header(write_dicom(tmp_path / "a.dcm", PIXELS, PatientName="A^B"))
    assert str(header.PatientName) == "A^B"
    assert "PixelData" not in header
    assert header.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize("implicit", [False, True])
def test_a_file_without_preamble_is_read_if_its_tags_make_sense(
    tmp_path: Path, implicit: bool
) -> None:
    syntax = {"syntax": ImplicitVRLittleEndian} if implicit else {}
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **syntax)
    data = path.read_bytes()
    path.write_bytes(data[132:])  # meta information first
    x, spec = open_image(path)
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], PIXELS)
    ds = dcmread(tmp_path / "a.dcm", force=True)
    path.write_bytes(data[data.index(struct.pack("<HH", 8, 0x16)) :])  # no meta at all
    assert read_header(path).SOPClassUID == ds.SOPClassUID
    x, spec = open_image(path)
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], PIXELS)
    path.write_bytes(b"\x08\0hello, this is no DICOM file")
    with pytest.raises(SynthmedError, match="no DICOM file"):
        read_header(path)


def test_deflated(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", PIXELS, syntax=DeflatedExplicitVRLittleEndian)
    x, spec = open_dicom(path)
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], PIXELS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SynthmedError, match=r"a\.dcm"):
        open_dicom(path)


def test_a_deflated_bomb_of_tiny_elements_ends_soon(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", PIXELS, syntax=DeflatedExplicitVRLittleEndian)
    raw = zlib.compressobj(9, wbits=-15)
    body = raw.compress(b"\x08\0\x05\0CS\0\0" * 2**20) + raw.flush()
    data = path.read_bytes()
    end_of_meta = 132 + 12 + int.from_bytes(data[140:144], "little")
    path.write_bytes(data[:end_of_meta] + body)
    with pytest.raises(SynthmedError, match="too many elements"):
        read_header(path)


def test_a_lying_length_does_not_set_memory_aside(tmp_path: Path) -> None:
    import tracemalloc

    path = write_dicom(tmp_path / "a.dcm", PIXELS)
    element = struct.pack("<HH", 9, 0x1001) + b"OB\0\0" + struct.pack("<I", 0xFFFFFFF0)
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", 0x28, 2))
    path.write_bytes(data[:at] + element + data[at:])
    tracemalloc.start()
    with pytest.raises(SynthmedError, match=r"a\.dcm"):
        open_dicom(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_huge_element_is_refused(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", PIXELS)
    length = MAX_ELEMENT + 2
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", 0x28, 2))
    with open(path, "wb") as file:
        file.write(data[:at] + struct.pack("<HH4sI", 9, 0x1001, b"OB\0\0", length))
        file.seek(length, 1)
        file.write(data[at:])
    with pytest.raises(SynthmedError, match="one element"):
        read_header(path)


def test_encapsulated_data_with_a_length_are_read(tmp_path: Path) -> None:
    from dicom_files import RLE

    path = write_dicom(tmp_path / "a.dcm", PIXELS, compress=RLE)
    data = path.read_bytes()
    at = data.index(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff") + 8
    length = struct.pack("<I", len(data) - at - 4)
    path.write_bytes(data[:at] + length + data[at + 4 :])
    x, spec = open_dicom(path)
    np.testing.assert_array_equal(np.rint(spec.to_value(x))[0], PIXELS)
