"""Read a DICOM header within bounds, and find where its pixel data lie."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from pydicom import Dataset, dcmread
from pydicom.filereader import _read_file_meta_info, read_dataset, read_preamble
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from synthmed.imaging.files import (
    MAX_BYTES,
    BoundedFile,
    Path_,
    RefusedError,
    bounded_file,
    unreadable,
)
from synthmed.imaging.kinds import HEAD, has_dicom_tags

_PIXELS = {0x0008: "FloatPixelData", 0x0009: "DoubleFloatPixelData", 0x0010: "PixelData"}
_ITEM = b"\xfe\xff\x00\xe0"
UNDEFINED = 0xFFFFFFFF
_INFLATED = MAX_BYTES  # bytes that a deflated data set may grow to


@dataclass(frozen=True)
class OpenDicom:
    """An opened DICOM file.

    Attributes:
        header: All elements before the pixel data, and the file meta information.
        file: The (inflated) bytes, to read pixel data from.
        size: How many bytes there are.
        keyword: "PixelData", "FloatPixelData" or "DoubleFloatPixelData"; "" if there are none.
        start: Where the pixel data's value begins.
        length: Its length in bytes as the file says; None for encapsulated data.
    """

    header: Dataset
    file: BinaryIO
    size: int
    keyword: str
    start: int
    length: int | None

    @property
    def little(self) -> bool:
        """Whether numbers are little endian."""
        return bool(self.header.original_encoding[1])


def read_header(path: Path_) -> Dataset:
    """Read a DICOM header without pixel data.

    A file without preamble is read if it begins as DICOM elements do; a missing transfer syntax
    is left missing.

    Args:
        path: The file.

    Returns:
        The data set up to the pixel data, with `file_meta`. Values are decoded on access and may
        still be malformed.

    Raises:
        SynthmedError: No DICOM file, a damaged header, an element of more than 32 MiB, a deflated
            data set that grows beyond 512 MiB.
    """
    with open_header(path) as opened:
        return opened.header


@contextmanager
def open_header(path: Path_) -> Iterator[OpenDicom]:
    """Open a DICOM file and read its header; the file is closed at the end.

    Raises:
        SynthmedError: As `read_header`; errors from within the block become its one line too.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of each odd value
        try:
            with bounded_file(path) as file:
                yield _open(file, file.size)
        except Exception as error:  # whatever a parser or decoder meets in a damaged file
            raise unreadable(path, error) from error


def _open(file: Any, size: int) -> OpenDicom:
    head = file.read(HEAD)
    file.seek(0)
    if head[128:132] == b"DICM":
        read_preamble(file, force=True)
    elif not has_dicom_tags(head):
        raise RefusedError("cannot read this image: it is no DICOM file")
    meta = _read_file_meta_info(file)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        file, header = _inflated(file, meta)
        size = file.size
    else:
        file.seek(0)
        header = dcmread(file, stop_before_pixels=True, force=True)
    if not len(header):
        raise RefusedError("cannot read this image: its header is empty")
    keyword, start, length = _pixel_data(file, header)
    return OpenDicom(header, file, size, keyword, start, length)


def _inflated(file: Any, meta: Any) -> tuple[BoundedFile, Dataset]:
    """Inflate a deflated data set (PS3.5, A.5) within bounds, and read its header."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(file.read(), _INFLATED)
    if not inflater.eof:
        raise RefusedError("the deflated data set is damaged or grows too large")
    stream = BoundedFile(io.BytesIO(data), len(data))
    header = read_dataset(stream, False, True, stop_when=_at_pixels)
    header.set_original_encoding(False, True)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta = meta
    return stream, header


def _at_pixels(tag: Any, _vr: str | None, _length: int) -> bool:
    return tag.group == 0x7FE0 and tag.elem in _PIXELS


def _pixel_data(file: Any, header: Dataset) -> tuple[str, int, int | None]:
    """Read the pixel element's tag and length, on which `dcmread` stopped."""
    implicit, little = header.original_encoding
    order = "<" if little else ">"
    tag = file.read(8)
    if len(tag) < 8:
        return "", 0, None
    group, element = struct.unpack(order + "HH", tag[:4])
    if group != 0x7FE0 or element not in _PIXELS:
        return "", 0, None
    if not (tag[4:6].isalpha() and tag[4:6].isupper()):
        implicit = True  # whatever the transfer syntax says
    length_bytes = tag[4:] if implicit else file.read(4)
    if len(length_bytes) < 4:
        raise RefusedError("cannot read this image: the file ends at its pixel data")
    length = struct.unpack(order + "I", length_bytes)[0]
    start = file.tell()
    if length != UNDEFINED and file.read(4) == _ITEM and is_compressed(header):
        length = UNDEFINED  # encapsulated in spite of its length
    file.seek(start)
    return _PIXELS[element], start, None if length == UNDEFINED else length


def is_compressed(header: Dataset) -> bool:
    """Whether the transfer syntax is one with encapsulated pixel data."""
    syntax = UID(header.file_meta.get("TransferSyntaxUID") or "")
    return bool(syntax.is_transfer_syntax and syntax.is_encapsulated)
