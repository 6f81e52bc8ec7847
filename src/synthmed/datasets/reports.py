"""Free-text reports: their sections, and their sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECTIONS = ("indication", "comparison", "technique", "findings", "impression")
_MOST = 1_000_000  # characters of a report that are read
_NAMES = {
    "indication": ("indication", "clinical indication", "clinical history", "history", "reason"),
    "comparison": ("comparison", "comparisons", "compared to"),
    "technique": ("technique", "procedure", "views", "image"),
    "findings": ("findings", "finding", "description", "report", "observations"),
    "impression": ("impression", "conclusion", "summary", "opinion", "interpretation"),
}
_SECTION_OF = {name: section for section, names in _NAMES.items() for name in names}
_HEADER = re.compile(
    r"(?:^|(?<=[\n.;]))[ \t]*(?:\d+[.)] *)?("
    + "|".join(sorted(map(re.escape, _SECTION_OF), key=len, reverse=True))
    + r")(?: for exam(?:ination)?| of exam(?:ination)?)?[ \t]*(?:[:\-–][ \t]*|\n)",
    re.IGNORECASE,
)
# A point that does not end a sentence: titles, abbreviations, single letters.
_SHORT = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|prof|st|vs|approx|fig|no|e\.g|i\.e|cf|etc|resp)|\b[a-z])\.$",
    re.IGNORECASE,
)
_POINT = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])|\n\s*(?:[-*•]|\d+[.)])?\s*")


@dataclass(frozen=True)
class Report:
    """The sections of a report; those that it does not have are "".

    Attributes:
        findings: What is seen.
        impression: What it means.
        indication: Why the image was taken.
        comparison: Earlier images.
        technique: Views and procedure.
        other: Text before the first header, or all of it where there is no header.
    """

    findings: str = ""
    impression: str = ""
    indication: str = ""
    comparison: str = ""
    technique: str = ""
    other: str = ""

    @property
    def description(self) -> str:
        """What describes the image: findings and impression, else the text without a header."""
        return " ".join(part for part in (self.findings, self.impression) if part) or self.other


def parse_report(text: str) -> Report:
    """Find the sections of a free-text report by their headers ("FINDINGS:", "Impression -").

    Args:
        text: The report; headers stand at the beginning of a line or a sentence.

    Returns:
        The sections with single spaces; a section that occurs twice is joined.
    """
    text = text[:_MOST]
    headers = list(_HEADER.finditer(text))
    parts: dict[str, list[str]] = {"other": [text[: headers[0].start()] if headers else text]}
    ends = [header.start() for header in headers[1:]] + [len(text)]
    for header, end in zip(headers, ends, strict=True) if headers else ():
        section = _SECTION_OF[header[1].casefold()]
        parts.setdefault(section, []).append(text[header.end() : end])
    tidy = {name: " ".join(" ".join(pieces).split()) for name, pieces in parts.items()}
    return Report(**tidy)


def sentences(text: str) -> list[str]:
    """Split a text into sentences, at points before a capital letter or a number, and at lines.

    Args:
        text: Any text. "Dr. Smith", "e.g. this" and decimal numbers are not split.

    Returns:
        The sentences without outer spaces, in order; joined by spaces they are the text again,
        up to white space and the marks of lists.
    """
    found: list[str] = []
    held = ""
    for piece in _POINT.split(text):
        held = f"{held} {piece.strip()}".strip() if held else piece.strip()
        if held and not _SHORT.search(held):
            found.append(held)
            held = ""
    return [*found, held] if held else found
