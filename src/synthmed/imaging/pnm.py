"""Read binary PGM and PPM of more than 8 bits as stored; Pillow rescales or cuts them.

Source: the netpbm formats PGM and PPM (netpbm.sourceforge.net/doc/pgm.html, ppm.html).
"""

from __future__ import annotations

import re

import numpy as np

from synthmed.imaging.files import BoundedFile, Path_, RefusedError, refuse_size
from synthmed.imaging.spec import FloatArray, ImageSpec, spec_range

_HEADER = re.compile(
    rb"P(?P<kind>[56])"
    + rb"".join(
        rb"(?:\s+|#[^\n]*\n)+(?P<%s>\d{1,9})" % name for name in (b"width", b"height", b"maximum")
    )
    + rb"\s"
)


def pnm_maximum(file: BoundedFile) -> re.Match[bytes] | None:
    """Give the header of a binary PGM or PPM of more than 8 bits; None for any other file."""
    head = file.read(1024)
    file.seek(0)
    found = _HEADER.match(head) if head[:2] in (b"P5", b"P6") else None
    return found if found and int(found["maximum"]) > 255 else None


def open_deep_pnm(
    path: Path_, file: BoundedFile, header: re.Match[bytes]
) -> tuple[FloatArray, ImageSpec]:
    """Read a binary PGM or PPM of 9 to 16 bits: 0 to its maximum are -1 to 1.

    Args:
        path: The file's name, for errors.
        file: The opened file.
        header: What `pnm_maximum` found.

    Raises:
        SynthmedError: The file is too short or too large, or a value lies above the maximum.
    """
    width, height, maximum = (int(header[name]) for name in ("width", "height", "maximum"))
    channels = 3 if header["kind"] == b"6" else 1
    refuse_size(path, height, width, 2 * channels)
    length = height * width * channels * 2
    if maximum > 65535 or header.end() + length > file.size:
        raise RefusedError("cannot read this image: it is shorter than its header says")
    file.seek(header.end())
    file.limit = length
    values = np.frombuffer(file.read(length), ">u2").reshape(height, width, channels)
    if values.max() > maximum:
        raise RefusedError(f"cannot read this image: a value lies above its maximum, {maximum}")
    spec = spec_range(channels, maximum.bit_length(), 0.0, float(maximum), "PPM")
    return spec.from_value(np.ascontiguousarray(values.transpose(2, 0, 1))), spec
