"""What a row's image is: generated, edited from a patient's image, or a real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from synthmed.datasets.rows import Row, as_text, is_blank

Kind = Literal["generated", "edited", "real"]
_YES = {"true", "yes", "1", "1.0"}
_NO = {"false", "no", "0", "0.0"}

NOT_ANONYMOUS = (
    "edited from real patients' images and not anonymous: what holds for the originals "
    "(consent, access, law) holds for them"
)
REAL = (
    "not marked as synthetic and taken for real patients' images; the export gives new identifiers "
    "but cannot see whether pixels or texts tell who is shown"
)


def kind_of(row: Row) -> Kind:
    """Tell what a row's image is by its columns.

    Returns:
        "edited" where `derived_from_patient` is true, or `synthetic` is true and `source_file`
        filled and `derived_from_patient` does not say no (an edit of a generated image); else
        "generated" where `synthetic` is true; else "real". (Sets of real images have
        columns called `source_file` too: by itself it tells nothing.)
    """
    synthetic = _is_true(row, "synthetic")
    denied = as_text(row.extra.get("derived_from_patient")).lower() in _NO
    sourced = synthetic and not denied and not is_blank(row.extra.get("source_file"))
    if sourced or _is_true(row, "derived_from_patient"):
        return "edited"
    return "generated" if synthetic else "real"


def kind_warnings(rows: Iterable[Row]) -> list[str]:
    """Give the warnings that an export of these rows needs, one sentence each."""
    counts = Counter[str](kind_of(row) for row in rows)
    sentences = {"edited": NOT_ANONYMOUS, "real": REAL}
    return [
        f"{counts[kind]} {'image is' if counts[kind] == 1 else 'images are'} {sentence}"
        for kind, sentence in sentences.items()
        if counts[kind]
    ]


def _is_true(row: Row, column: str) -> bool:
    return as_text(row.extra.get(column)).lower() in _YES
