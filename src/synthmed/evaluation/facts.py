"""What a row says its image shows: by its columns, and for synthetic images by its prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from synthmed.datasets.concepts import CHEST_VIEWS, MRI_SEQUENCES, NORMAL, Concept
from synthmed.datasets.phrases import clean
from synthmed.datasets.rows import Row, as_text

ABSENT = "no finding"
"""The label of images in which nothing was found, however a source calls it."""
_AGE = re.compile(r"\b(\d{1,3})[- ]year[- ]old|\baged (\d{1,3})\b|\bof (\d{1,3}) years\b")
_DECADES = ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties")
_DECADE = re.compile(rf"\bin (?:her|his|their) ({'|'.join(_DECADES)})\b")
_SEX = {"F": re.compile(r"\b(?:woman|female|girl)\b"), "M": re.compile(r"\b(?:man|male|boy)\b")}

_TABLES: Mapping[str, Mapping[str, tuple[Concept, Concept]]] = {
    "view": CHEST_VIEWS,
    "sequence": MRI_SEQUENCES,
}


@dataclass(frozen=True)
class Facts:
    """What is said of one image; "" or None where nothing is said.

    Attributes:
        labels: Findings and classes, case-folded; all names of "nothing found" are `ABSENT`.
            None where the row has none: it is unknown what the image shows.
        view: For example "PA view"; AP views of lying patients are AP views.
        sequence: Of a brain MRI, for example "FLAIR".
        modality: For example "x-ray".
        sex: "M", "F" or "".
        age: In years.
    """

    labels: frozenset[str] | None
    view: str
    sequence: str
    modality: str
    sex: str
    age: float | None


def facts_of(row: Row, *, stated: bool) -> Facts:
    """Collect what a row says of its image.

    Args:
        row: The row.
        stated: Whether what the columns leave open is taken from the prompt (column `prompt`,
            else the caption): view, sequence, sex and age. For synthetic rows.
    """
    prompt = (as_text(row.extra.get("prompt")) or row.text).casefold() if stated else ""
    labels = frozenset(_label(label) for label in row.labels if clean(label))
    chest = "chest" in (row.image_type or row.body_part).casefold()
    brain = "brain" in (row.image_type or row.body_part).casefold()
    sequence = _term("sequence", row.extra.get("sequence")) if brain else ""
    return Facts(
        labels=labels or None,
        view=_term("view", row.view) or (_said("view", prompt) if chest else ""),
        sequence=sequence or (_said("sequence", prompt) if brain else ""),
        modality=clean(row.modality).casefold(),
        sex=row.sex or _sex(prompt),
        age=row.age if row.age is not None else _age(prompt),
    )


def all_facts(rows: Sequence[Row], *, stated: bool) -> list[Facts]:
    """Collect the facts of many rows; see `facts_of`."""
    return [facts_of(row, stated=stated) for row in rows]


def _label(label: str) -> str:
    key = clean(label).casefold()
    return ABSENT if key in NORMAL else key


def _term(column: str, value: Any) -> str:
    """A view or sequence by its canonical name; one beyond the table as it is."""
    table, key = _TABLES[column], clean(value).casefold()
    name = table[key][0].names[0] if key in table else key
    return "AP view" if name == "supine AP view" else name


def _said(column: str, prompt: str) -> str:
    """The canonical name of the one view or sequence that a prompt states, "" if none or two."""
    names = {_term(column, key) for phrase, key in _phrases(column) if _whole(phrase, prompt)}
    return names.pop() if len(names) == 1 else ""


@cache
def _phrases(column: str) -> tuple[tuple[str, str], ...]:
    """All phrases of a column's table with their keys."""
    pairs = [
        (name.casefold(), key)
        for key, concepts in _TABLES[column].items()
        for concept in concepts
        for name in concept.names
    ]
    return tuple(dict.fromkeys(pairs))


def _whole(phrase: str, text: str) -> bool:
    """Whether a phrase stands in a text as whole words."""
    return re.search(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", text) is not None


def _sex(prompt: str) -> str:
    found = [sex for sex, pattern in _SEX.items() if pattern.search(prompt)]
    return found[0] if len(found) == 1 else ""


def _age(prompt: str) -> float | None:
    if match := _AGE.search(prompt):
        years = float(next(part for part in match.groups() if part))
        return min(years, 90.0) if years <= 130 else None
    if match := _DECADE.search(prompt):
        return 25.0 + 10.0 * _DECADES.index(match[1])
    return None
