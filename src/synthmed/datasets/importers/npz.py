"""Read the arrays of an .npz file as streams: only what was asked for is unpacked."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError

MAX_LABELS = 256 * 2**20  # bytes of an array that is read as a whole
_ERRORS = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError)


@dataclass(frozen=True)
class Member:
    """An array of the file.

    Attributes:
        name: Its name, without ".npy".
        shape: Its shape.
        dtype: Its type; numbers and booleans only.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def members(path: Path) -> dict[str, Member]:
    """Give the arrays of an .npz by name, from their headers.

    Raises:
        SynthmedError: No .npz, or an array of Python objects (which would run code).
    """
    try:
        with zipfile.ZipFile(path) as file:
            names = [n.removesuffix(".npy") for n in file.namelist()[:64] if n.endswith(".npy")]
        return {name: _open_header(path, name) for name in names}
    except _ERRORS as error:
        raise _unreadable(path, error) from error


def _open_header(path: Path, name: str) -> Member:
    with _member(path, name) as (member, _):
        return member


@contextmanager
def _member(path: Path, name: str) -> Iterator[tuple[Member, IO[bytes]]]:
    with zipfile.ZipFile(path) as file, file.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"format {version} of arrays is not read")
        shape, fortran, dtype = read(stream)
        if dtype.kind not in "biuf" or (fortran and len(shape) > 1):
            raise ValueError(f"the array {name} of type {dtype} is not read")
        yield Member(name, tuple(int(n) for n in shape), dtype), stream


def read_all(path: Path, name: str) -> npt.NDArray[Any]:
    """Read a small array as a whole.

    Raises:
        SynthmedError: It is missing, damaged, or of more than `MAX_LABELS` bytes.
    """
    try:
        with _member(path, name) as (member, stream):
            length = math.prod(member.shape) * member.dtype.itemsize
            if length > MAX_LABELS:
                raise ValueError(f"the array {name} is too large")
            data = stream.read(length)
            return np.frombuffer(data, member.dtype).reshape(member.shape)
    except _ERRORS as error:
        raise _unreadable(path, error) from error


def read_rows(path: Path, name: str, block: int) -> Iterator[bytes]:
    """Give the bytes of an array's rows, `block` rows at a time.

    Raises:
        SynthmedError: It is missing, damaged or cut short.
    """
    try:
        with _member(path, name) as (member, stream):
            size = math.prod(member.shape[1:]) * member.dtype.itemsize
            for start in range(0, member.shape[0], block):
                length = size * min(block, member.shape[0] - start)
                data = stream.read(length)
                if len(data) != length:
                    raise ValueError(f"the array {name} is cut short")
                yield data
    except _ERRORS as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: BaseException) -> SynthmedError:
    return SynthmedError(
        f"cannot read this .npz: {error or type(error).__name__}",
        where=path,
        mend="Replace it by an intact one, without Python objects in it.",
    )
