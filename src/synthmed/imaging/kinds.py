"""Tell what a file is by its first bytes; its name counts for nothing."""

from __future__ import annotations

import zlib

from synthmed.errors import SynthmedError
from synthmed.imaging.files import Path_, bounded_file, shown

HEAD = 540  # bytes; the length of a NIfTI-2 header
_RASTER = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"P2": "PPM",
    b"P3": "PPM",
    b"P5": "PPM",
    b"P6": "PPM",
    b"P1": "PPM",
    b"P4": "PPM",
}
_UPPER = {bytes([a, b]) for a in range(65, 91) for b in range(65, 91)}  # letters of a DICOM VR


def kind_of(path: Path_) -> str:
    """Tell a file's kind by its content.

    Args:
        path: The file.

    Returns:
        "DICOM", "NIFTI", "PNG", "JPEG", "TIFF", "GIF", "BMP", "PPM" (PGM and PPM) or "WEBP".

    Raises:
        SynthmedError: The file is missing, no regular file, or of none of these kinds.
    """
    with bounded_file(path) as file:
        head = file.read(HEAD)
    if kind := _kind(head):
        return kind
    raise SynthmedError(
        "cannot read this image: its content is of no known format"
        if head
        else "cannot read this image: the file is empty",
        where=shown(path),
        mend="Known: DICOM, NIfTI, PNG, JPEG, TIFF, WebP, BMP, GIF, PGM.",
    )


def _kind(head: bytes) -> str | None:
    if head[128:132] == b"DICM":
        return "DICOM"
    for magic, name in _RASTER.items():
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if is_nifti(head) or (head[:2] == b"\x1f\x8b" and is_nifti(_unzipped(head))):
        return "NIFTI"
    return "DICOM" if has_dicom_tags(head) else None


def is_nifti(head: bytes) -> bool:
    """Whether these are the first bytes of a single-file NIfTI-1 or NIfTI-2."""
    if head[:4] in (b"\x5c\1\0\0", b"\0\0\1\x5c"):  # 348, the length of a NIfTI-1 header
        return head[344:348] in (b"n+1\0", b"ni1\0") or 0 < len(head) < 348
    return head[:4] in (b"\x1c\2\0\0", b"\0\0\2\x1c") and head[4:7] in (b"n+2", b"ni2")


def has_dicom_tags(head: bytes) -> bool:
    """Whether a file without preamble starts with an element of group 2 or 8 that makes sense."""
    group, element = head[:2], head[2:4]
    if len(head) < 8:
        return False
    if group in (b"\2\0", b"\x08\0"):  # little endian
        little, low = True, element[1] == 0
    elif group == b"\0\x08":
        little, low = False, element[0] == 0
    else:
        return False
    explicit = head[4:6] in _UPPER
    length = int.from_bytes(head[4:8], "little" if little else "big")
    return low and (explicit or length <= 256)


def _unzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        return b""
