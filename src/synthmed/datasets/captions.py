"""Captions: what a text-to-image generator reads beside an image, made from a row's facts.

Three styles: *simple* (one fixed wording, the one that prompts use), *diverse* (synonyms, word
order, now and then a left-out view or finding) and *diverse+patient* (the same with age and sex).
A caption never turns a negation round: what is absent is said as such, and yields to what is
present. A change of wording counts up `CAPTION_VERSION`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from synthmed.datasets.caption_recipes import RECIPES, Recipe, other
from synthmed.datasets.patients import varied_patient_words
from synthmed.datasets.phrases import Described, Parts, clean
from synthmed.errors import SynthmedError

CAPTION_VERSION = "1"
STYLES = ("simple", "diverse", "diverse+patient")
MAX_WORDS = 26
MAX_PIECES = 38  # words, digits and punctuation marks, about the tokens of a byte-level BPE


class _Draw:
    """Choices from a hash of a key: the same on every machine and Python version."""

    def __init__(self, key: str) -> None:
        self.key, self.count = key, 0

    def below(self, n: int) -> int:
        self.count += 1
        digest = hashlib.sha256(f"{self.key}|{self.count}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % n

    def pick(self, options: Sequence[str]) -> str:
        return options[self.below(len(options))]


def caption(row: Described, style: str = "simple", seed: int = 0) -> str:
    """Describe a row's image in one line.

    A row with a text of its own keeps it unchanged, however long, in every style.

    Args:
        row: The row.
        style: "simple", "diverse" or "diverse+patient".
        seed: Chooses among the wordings; "simple" has one wording for all seeds.

    Returns:
        The caption: at most 26 words and 38 words, digits and punctuation marks. The same row
        (`group_id` and `file_name`), style and seed give the same caption.

    Raises:
        SynthmedError: An unknown style.
    """
    if style not in STYLES:
        raise SynthmedError(f"unknown caption style {style!r}", mend=f"known: {', '.join(STYLES)}")
    if clean(row.text):
        return row.text.strip()
    if style == "simple":
        return plain(row)
    draw = _Draw(f"{CAPTION_VERSION}|{style}|{seed}|{row.group_id}|{row.file_name}")
    patient = (
        varied_patient_words(row.age, row.sex, draw.pick) if style == "diverse+patient" else ""
    )
    if draw.below(5) == 0:
        return plain(row, patient)
    parts = _recipe(row)(row, draw.pick)
    if draw.below(16) == 0:  # so that a prompt may name the type alone
        parts = replace(parts, findings=(), adjective="")
    text = _compose(parts, patient, draw)
    return text if fits(text) else plain(row, patient)


def plain(row: Described, patient: str = "") -> str:
    """Describe a row in the canonical wording, with the patient at the end where one is given.

    Args:
        row: The row.
        patient: For example "56-year-old woman"; "" says nothing.

    Returns:
        The caption; findings that would make it too long are left out from the end.
    """
    parts = _recipe(row)(row, lambda options: options[0])
    qualifiers = [after for after, _ in parts.qualifiers]
    findings = list(parts.findings)
    while True:
        text = ", ".join([parts.head, *qualifiers, *findings, *([patient] if patient else [])])
        if fits(text) or not findings:
            return text
        findings.pop()


def fits(text: str) -> bool:
    """Tell whether a text is within a caption's length."""
    pieces = re.findall(r"\d|[^\W\d_]+|[^\w\s]|_", text)
    return len(text.split()) <= MAX_WORDS and len(pieces) <= MAX_PIECES


def _recipe(row: Described) -> Recipe:
    return RECIPES.get(clean(row.image_type).casefold(), other)


def _compose(parts: Parts, patient: str, draw: _Draw) -> str:
    """Put the parts into one of several orders."""
    before, after = [], []
    left_out = bool(parts.findings) and draw.below(5) == 0
    for behind, front in () if left_out else parts.qualifiers:
        if front and draw.below(2):
            before.append(front)
        else:
            after.append(behind)
    head = " ".join([parts.adjective, *before, parts.head]).strip()
    findings = "" if parts.adjective else _list(parts.findings)
    order = draw.below(4)
    link = draw.pick(parts.links)
    if findings and order == 0:
        text = f"{findings}{parts.back} {', '.join([head, *after])}"
        return f"{text}, {patient}" if patient else text
    if patient and order == 1:
        head, patient = f"{head} of {_article(patient)} {patient}", ""
    text = ", ".join([head, *after])
    if findings:
        if link == "of" and (after or " of " in head):
            link = ""
        comma = "" if link and not after else ","
        text = " ".join(f"{text}{comma} {link} {findings}".split())
    if not patient:
        return text
    return f"{patient}, {text}" if order == 2 else f"{text}, {patient}"


def _list(items: Sequence[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _article(phrase: str) -> str:
    return "an" if re.match(r"8|11\b|18\b|[aeiou]", phrase) else "a"
