"""The parts of a caption, and how a row's labels and columns become phrases.

`pick` chooses one of several names: the canonical (first) one for the style *simple*, any of them
for the others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from synthmed.datasets.concepts import NORMAL, Concept, Table

Pick = Callable[[Sequence[str]], str]
_BLANK = {"", "nan", "none", "null", "n/a", "<na>"}


class Described(Protocol):
    """The facts that captions read; a `Row` has them all."""

    group_id: str
    file_name: str
    image_type: str
    text: str
    body_part: str
    view: str
    labels: tuple[str, ...]
    age: float | None
    sex: str | None
    extra: dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """The parts of a caption.

    Attributes:
        head: What the image is ("chest X-ray").
        findings: Phrases that follow "with" or "showing".
        adjective: Word before the head that says the same as `findings` ("normal"), or "".
        qualifiers: Pairs (after, before) of the same fact: "PA view" after the head and a comma,
            "PA" before the head ("" where it cannot stand there).
        links: Words between head and findings; "" is a comma.
        back: Words between findings and head where the findings come first.
    """

    head: str
    findings: tuple[str, ...] = ()
    adjective: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ("with", "showing", "")
    back: str = " on"


def clean(value: object) -> str:
    """Give a value as words: underscores as spaces, "" for None, NaN and their spellings."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = " ".join(str(value).replace("_", " ").split())
    return "" if text.casefold() in _BLANK else text


def label_words(label: str) -> str:
    """Give a label that no table knows as words: "Hilar_Mass" as "hilar mass", "ARDS" as it is."""
    words = clean(label).split()
    return " ".join(w.lower() if re.fullmatch(r"[A-Z][a-z]+", w) else w for w in words)


def name(table: Table, label: object, pick: Pick) -> str:
    """Give one of a label's names; a label beyond the table is used as it is, "" stays ""."""
    key = clean(label).casefold()
    return pick(table[key].names) if key in table else label_words(clean(label))


def findings_of(table: Table, labels: Sequence[str], pick: Pick) -> tuple[tuple[str, ...], str]:
    """Give the names of all labels, and an adjective; what is absent yields to what is present.

    Args:
        table: The concepts by label.
        labels: A row's labels.
        pick: Chooses among a concept's names.

    Returns:
        The phrases, each once, and an adjective that says the same ("normal") or "".
    """
    table = {**NORMAL, **table}
    known = [(clean(label), table.get(clean(label).casefold())) for label in labels]
    present = [label for label, concept in known if label and not (concept and concept.absent)]
    if present:
        return tuple(dict.fromkeys(name(table, label, pick) for label in present)), ""
    absent = next((concept for _, concept in known if concept), None)
    if absent is None:
        return (), ""
    plain = ("",) * max(1, len(absent.adjectives))
    return (pick(absent.names),), pick(plain + absent.adjectives)


def count(row: Described, column: str) -> int | None:
    """Give an extra column as a whole number, None where it is blank or none."""
    try:
        return int(float(clean(row.extra.get(column))))
    except (ValueError, OverflowError):
        return None


def qualifier(
    table: Mapping[str, tuple[Concept, Concept]], value: object, pick: Pick
) -> tuple[tuple[str, str], ...]:
    """Give a view's or sequence's names after and before the image's name, () where it is blank."""
    text = clean(value)
    if not text:
        return ()
    if text.casefold() not in table:
        return ((text, text),)
    after, before = table[text.casefold()]
    return ((pick(after.names), pick(before.names)),)
