"""Words of a row in DICOM's defined terms; nothing is guessed where a word is not known."""

from __future__ import annotations

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from synthmed.datasets.rows import Row, as_text

_CODES = {"CR", "CT", "DX", "ES", "GM", "MG", "MR", "NM", "OP", "OPT", "PT", "SM", "US", "XA", "XC"}
_MODALITIES = {
    "x-ray": "DX",
    "radiograph": "DX",
    "radiography": "DX",
    "mri": "MR",
    "ultrasound": "US",
    "mammography": "MG",
    "dermatoscopy": "DMS",
    "endoscopy": "ES",
    "fundus photography": "OP",
    "microscopy": "GM",
}
# body part -> Body Part Examined (PS3.16, table L-1); the regions' codes are pydicom's, of CID 4031
_BODY_PARTS = {
    "abdomen": "ABDOMEN",
    "brain": "BRAIN",
    "breast": "BREAST",
    "chest": "CHEST",
    "eye": "EYE",
    "hand": "HAND",
    "head": "HEAD",
    "knee": "KNEE",
    "pelvis": "PELVIS",
    "skull": "SKULL",
}
PAIRED = {"BREAST", "EYE", "HAND", "KNEE"}
_VIEWS = {"ap", "pa", "ll", "rl", "lld", "rld"}


def modality_code(row: Row) -> str:
    """Give the code of the device that a row's image comes from; "OT" (other) if unknown."""
    word = row.modality.strip()
    if word.upper() in _CODES:
        return word.upper()
    return _MODALITIES.get(word.lower(), "OT")


def body_part(row: Row) -> str:
    """Give Body Part Examined (0018,0015) in its defined terms, "" if unknown."""
    return _BODY_PARTS.get(row.body_part.strip().lower(), "")


def region(row: Row) -> Code | None:
    """Give the code of the anatomic region (CID 4031), if it is known there."""
    word = row.body_part.strip().lower()
    known = word in _BODY_PARTS and word.title() in codes.cid4031.dir()
    return getattr(codes.cid4031, word.title()) if known else None


def view_position(row: Row) -> str:
    """Give View Position (0018,5101) in its defined terms, "" if unknown."""
    return row.view.strip().upper() if row.view.strip().lower() in _VIEWS else ""


def laterality(row: Row) -> str:
    """Give "L" or "R" where a column `laterality` or `side` says it, else ""."""
    said = as_text(row.extra.get("laterality")) or as_text(row.extra.get("side"))
    return {"l": "L", "left": "L", "r": "R", "right": "R"}.get(said.lower(), "")


def short(text: str, length: int) -> str:
    """Cut a text to what a DICOM string may hold; control characters and backslashes are blanks."""
    plain = "".join(c if c.isprintable() and c != "\\" else " " for c in text)
    return " ".join(plain.split())[:length].strip()
