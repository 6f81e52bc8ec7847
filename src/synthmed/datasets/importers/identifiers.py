"""Search a text for what may identify a patient; a search, not a promise."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_CHARACTERS = 100_000  # a longer text is searched this far
_TITLE = r"(?:Dr|Prof|Mr|Mrs|Ms|Miss|Herr|Frau|Mme|Signor[ae]?|Patient(?:'s)? name)"
_STREET = r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Drive|Blvd|Boulevard|Stra(?:ß|ss)e|Platz|Weg)"
PATTERNS = {
    "name": re.compile(rf"\b{_TITLE}\b[.:]?\s{{1,3}}(?:[A-Z]\.\s?)?[A-ZÀ-Þ][\w'’-]+"),
    "date": re.compile(
        r"\b(?:(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])"
        r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:19|20)\d\d)\b"
    ),
    "email": re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}"),
    "telephone": re.compile(r"(?:\+\d{1,3}[\s-]?)?\(?\b\d{3,5}\)?[\s/-]\d{3,4}[\s-]\d{3,4}\b"),
    "address": re.compile(
        rf"\b(?:\d{{1,5}}\s(?:[A-Z][\w.]{{1,30}}\s){{1,3}}{_STREET}\b"
        r"|[A-ZÄÖÜ][\w]{1,30}(?:stra(?:ß|ss)e|weg|platz)\s\d{1,4}\b)"
    ),
    "record number": re.compile(
        r"\b(?:MRN|SSN|NHS|accession|patient id|case no|record no)\b\W{0,4}"
        r"(?:number\W{1,3})?\d{3,}",
        re.IGNORECASE,
    ),
}
REMOVED = "[removed]"


def find_identifiers(text: str) -> list[str]:
    """Name the kinds of identifiers that a text seems to hold.

    Looks for titles with a name, full dates, e-mail addresses, telephone numbers, street
    addresses and record numbers, in Western notations. It misses a name without a title.

    Args:
        text: Any text.

    Returns:
        Some of "name", "date", "email", "telephone", "address", "record number".
    """
    text = text[:MAX_CHARACTERS]
    return [kind for kind, pattern in PATTERNS.items() if pattern.search(text)]


def remove_known(text: str, known: Iterable[str]) -> tuple[str, bool]:
    """Take known identifiers (a patient's own name, id, address) out of a text.

    Args:
        text: Any text.
        known: Identifiers; those of fewer than three letters or digits are not searched.

    Returns:
        The text with each replaced by "[removed]", and whether there was any. Case and
        accents as written; whole words only.
    """
    words = {part for entry in known for part in re.split(r"[\s^=,;\\]+", entry) if len(part) >= 3}
    if not words:
        return text, False
    longest_first = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    cleaned = re.sub(rf"(?<!\w)(?:{longest_first})(?!\w)", REMOVED, text, flags=re.IGNORECASE)
    return cleaned, cleaned != text
