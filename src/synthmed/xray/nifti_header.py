"""What a NIfTI header says of a volume beyond its voxels: further dimensions, known orientation."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import nibabel as nib

from synthmed.errors import SynthmedError
from synthmed.imaging.files import shown


def check_nifti(path: Path) -> None:
    """Refuse a file that is no single volume, or whose orientation is unknown.

    Args:
        path: A file that `open_volume` has read.

    Raises:
        SynthmedError: More than three dimensions; neither sform nor qform, so that front and back,
            left and right cannot be told.
    """
    header = _header(path)
    shape = tuple(int(n) for n in header.get_data_shape())
    if any(n > 1 for n in shape[3:]):
        raise SynthmedError(
            f"the file holds several volumes ({' x '.join(map(str, shape))})",
            where=shown(path),
            mend="Give a file of one volume.",
        )
    if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
        raise SynthmedError(
            "the file does not say how the patient lies (sform and qform codes are 0)",
            where=shown(path),
            mend="Set its sform; without it no view has a meaning.",
        )


def _header(path: Path) -> Any:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if zipped else path.open("rb") as stream:
        block = stream.read(540)
    second = (540).to_bytes(4, "little") in (block[:4], block[3::-1])
    kind, size = (nib.Nifti2Header, 540) if second else (nib.Nifti1Header, 348)
    return kind.from_fileobj(io.BytesIO(block[:size]), check=False)
