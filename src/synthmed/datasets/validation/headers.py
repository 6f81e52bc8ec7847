"""Identifiers in the headers of image files: EXIF, GPS, PNG text, comments, XMP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from synthmed.datasets.validation.findings import Finding, Severity
from synthmed.datasets.validation.identifiers import identifiers_in
from synthmed.datasets.validation.png_texts import png_exif, png_texts

_GPS = 0x8825
# EXIF tags that name a person by themselves (EXIF 2.32, section 4.6).
_PERSONS = {
    0x013B: "Artist",
    0xA430: "CameraOwnerName",
    0x9C9D: "XPAuthor",
    0x013C: "HostComputer",
    0xA431: "BodySerialNumber",
}
_DATES = {0x0132: "DateTime", 0x9003: "DateTimeOriginal", 0x9004: "DateTimeDigitized"}
_WORDS = {
    0x010E: "ImageDescription",
    0x9286: "UserComment",
    0x9C9C: "XPComment",
    0x8298: "Copyright",
}
_EXIF_IFD = 0x8769
_PERSON_KEYS = re.compile(r"author|artist|creator|patient|owner|operator|physician", re.IGNORECASE)
_XMP_PERSON = re.compile(
    r"(?:dc:creator|photoshop:Author\w{0,20}|aux:OwnerName|exif:CameraOwnerName)\b[^<]{0,99}"
    r"(?:<[^<>]{0,99}>\s{0,99}){0,9}[^<\s]"
)
_MOST = 200_000  # characters of one text
_UNTOLD = ("a long number", "a date", "a telephone number")  # seeds, versions, time stamps


def header_findings(file: Path, where: str) -> Iterator[Finding]:
    """Look into the header of a PNG or JPEG.

    Args:
        file: The file. One that cannot be read has no findings here.
        where: Its name for the findings.
    """
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
            exif = _exif(image)
            info: dict[Any, Any] = dict(image.info)
            if image.format == "PNG":
                info = dict(png_texts(file))
                exif = exif or _tags(Image.Exif(), png_exif(file))
    except (OSError, SyntaxError, ValueError, MemoryError, Image.DecompressionBombError):
        return
    found = dict.fromkeys([*_in_exif(exif), *_in_texts(info), *_in_xmp(info)])
    for message, severity in found:
        yield Finding("header", severity, where, message)


def _exif(image: Image.Image) -> dict[int, Any]:
    """Give the EXIF tags of the first directory and of the EXIF directory, and whether GPS."""
    return _tags(image.getexif())


def _tags(exif: Image.Exif, data: bytes = b"") -> dict[int, Any]:
    if data:
        exif.load(data)
    tags: dict[int, Any] = dict(exif)
    if not tags:
        return {}
    try:
        tags.update(exif.get_ifd(_EXIF_IFD))
        tags[_GPS] = dict(exif.get_ifd(_GPS))
    except (OSError, ValueError, KeyError, TypeError, SyntaxError):
        pass
    return tags


def _in_exif(tags: dict[int, Any]) -> Iterator[tuple[str, Severity]]:
    if tags.get(_GPS):
        yield "EXIF holds a GPS position", "error"
    for tag, name in _PERSONS.items():
        if _text(tags.get(tag)):
            yield f"EXIF holds {name}", "error"
    for tag, name in _DATES.items():
        if _text(tags.get(tag)).strip(" 0:"):
            yield f"EXIF holds {name}", "warning"
    for tag, name in _WORDS.items():
        yield from _identified(_text(tags.get(tag)), f"EXIF {name}")


def _in_texts(info: dict[Any, Any]) -> Iterator[tuple[str, Severity]]:
    for key, value in info.items():
        if not isinstance(key, str) or key in {"exif", "xmp", "icc_profile", "XML:com.adobe.xmp"}:
            continue
        if not isinstance(value, str | bytes) or not _text(value):
            continue
        if _PERSON_KEYS.search(key):
            yield f"the text {key[:40]!r} names a person", "error"
        else:
            yield from _identified(_text(value), f"the text {key[:40]!r}")


def _in_xmp(info: dict[Any, Any]) -> Iterator[tuple[str, Severity]]:
    packet = _text(info.get("xmp") or info.get("XML:com.adobe.xmp"))
    if "exif:GPS" in packet:
        yield "XMP holds a GPS position", "error"
    if _XMP_PERSON.search(packet):
        yield "XMP names a person", "error"
    yield from _identified(re.sub(r"<[^<>]*>", " ", packet), "XMP")


def _identified(text: str, source: str) -> Iterator[tuple[str, Severity]]:
    for kind, severity in identifiers_in(text):
        if kind not in _UNTOLD:
            yield f"{source} holds {kind}", severity


def _text(value: object) -> str:
    """Give a header's value as text, without padding."""
    if isinstance(value, bytes):
        encoding = "utf-16-le" if value[1:2] == b"\0" else "utf-8"
        value = value[:_MOST].decode(encoding, "replace")
    return "" if value is None else str(value)[:_MOST].strip("\0 ")
