"""Identifiers in texts: names with titles, dates, phones, e-mails, record numbers, hospitals.

The kinds follow the identifiers of the HIPAA "safe harbor" rule (45 CFR 164.514(b)(2)) as far as
a pattern can find them. A name without a title or a label ("John Smith was seen") is not found.
De-identified text ("XXXX", "[NAME]", "___") is not flagged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from synthmed.datasets.rows import Row
from synthmed.datasets.validation.findings import Finding, Severity
from synthmed.datasets.validation.leakage import place

_MOST = 200_000  # characters of a cell that are searched
_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_NAME = r"(?!XXXX|XX\b)[A-ZÀ-Þ][\w'’-]{0,30}[a-zß-ÿ][\w'’-]{0,30}"
_SURNAME = rf"(?:{_NAME}|(?!X{{1,40}}\b)[A-ZÀ-Þ]{{3,40}})"
PATTERNS: Mapping[str, tuple[Severity, re.Pattern[str]]] = {
    "an e-mail address": (
        "error",
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"),
    ),
    "a name with a title": (
        "error",
        re.compile(
            rf"\b(?:Dr|Mr|Mrs|Ms|Miss|Prof|Professor|Doctor|Herr|Frau|Mme|Sra?)\b\.?(?: ?(?:Dr|med)"
            rf"\b\.?){{0,2}} {{1,2}}(?:[A-Z]\. ?){{0,2}}{_SURNAME}"
        ),
    ),
    "a name after its label": (
        "error",
        re.compile(
            r"\b(?:[Pp]atient|[Pp]atient'?s? [Nn]ame|[Nn]ame|NAME|PATIENT|[Ss]igned(?: by)?|"
            r"[Dd]ictated by|[Rr]eported by|[Rr]adiologist|[Pp]hysician) ?: {0,2}"
            rf"{_SURNAME},? {_SURNAME}"
        ),
    ),
    "a name in DICOM form": ("error", re.compile(r"\b[A-Za-zÀ-ÿ'-]{2,40}\^[A-Za-zÀ-ÿ'-]{2,40}")),
    "a record number": (
        "error",
        re.compile(
            r"\b(?:mrn|medical record|patient (?:id|no|number)|record (?:no|number)|accession|"
            r"hospital (?:no|number|id)|case (?:no|number)|nhs|ssn)\b[ #:.]{0,4}(?:no|number|id)?"
            r"[ #:.]{0,4}[A-Z]{0,3}[- ]?\d{4,15}\b|\b\d{3}-\d{2}-\d{4}\b",
            re.IGNORECASE,
        ),
    ),
    "a long number": ("warning", re.compile(r"(?<![\w.,-])\d{7,12}(?![\w-]|[.,]\d)")),
    "a telephone number": (
        "error",
        re.compile(
            r"(?<![\w.-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"
            r"|(?<!\w)\+\d{1,3}(?:[ .-]?\d{2,4}){3,5}(?!\w)"
            r"|\b(?:tel|phone|fax|mobile)\b[.:]{0,2} {0,2}[+(\d][\d ().-]{5,20}\d",
            re.IGNORECASE,
        ),
    ),
    "a date": (
        "warning",
        re.compile(
            r"(?<![\w.-])(?:(?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
            r"|(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)\d\d"
            rf"|(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?\.? (?:of )?{_MONTH}\.?,? (?:19|20)\d\d"
            rf"|{_MONTH}\.? (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?,? (?:19|20)\d\d)(?![\w-])",
            re.IGNORECASE,
        ),
    ),
    "the name of a hospital": (
        "warning",
        re.compile(
            r"\b(?!The |This |Our |In |At |Local |Outside |From |To |Another |General )"
            rf"(?:{_NAME} (?:of |St\. )?){{1,4}}"
            r"(?:Hospital|Clinic|Medical Cent(?:er|re)|Infirmary|Klinikum|Health System)\b"
        ),
    ),
}
# Names of columns, in small letters without separators.
_COLUMNS = re.compile(
    r"(patients?|first|last|family|given|middle)names?|surname|(patients?)?(birthdate|birthday|dob)|"
    r"dateofbirth|mrn|ssn|medicalrecord(number)?|(tele)?phone(number)?|email|(street|home)?address|"
    r"accession(number)?|insurance(number)?|(referring|performing)?physician(name)?|radiologist|"
    r"(study|series|acquisition|content|visit|exam|scan)?date"
)


def identifiers_in(text: str) -> list[tuple[str, Severity]]:
    """Name the kinds of identifiers in a text.

    Args:
        text: Any text; the first 200,000 characters are searched.

    Returns:
        Kind and severity, each kind once: (“a name with a title”, "error").
    """
    text = text[:_MOST]
    return [(kind, severity) for kind, (severity, p) in PATTERNS.items() if p.search(text)]


def text_identifiers(rows: Sequence[Row]) -> Iterator[Finding]:
    """Find identifiers in text, report and every other column of words, and telling columns."""
    telling: dict[str, Row] = {}
    for row in rows:
        for column, value in (("text", row.text), ("report", row.report), *row.extra.items()):
            if not isinstance(value, str) or not value.strip():
                continue
            if _COLUMNS.fullmatch(re.sub(r"[\W_]+", "", column[:99].casefold())):
                telling.setdefault(column, row)
            elif column in ("text", "report") or _is_text(value):
                for kind, severity in identifiers_in(value):
                    yield Finding("identifier", severity, place(row), f"{column} holds {kind}")
    for column, row in telling.items():
        message = f"column {column!r} may identify patients"
        yield Finding("identifier", "error", place(row), message)


def name_identifiers(rows: Sequence[Row]) -> Iterator[Finding]:
    """Find dates, names in DICOM form, e-mails and record numbers in file names."""
    kinds = ("an e-mail address", "a name with a title", "a name in DICOM form", "a record number")
    for row in rows:
        stem = row.file_name.rsplit(".", 1)[0]
        words = re.sub(r"[_/\\]+", " ", stem)
        found = [kind for kind in kinds if PATTERNS[kind][1].search(words)]
        if _DAY.search(stem):
            found.append("a date")
        for kind in found:
            severity: Severity = "warning" if kind == "a date" else "error"
            yield Finding("file-name", severity, place(row), f"the file name holds {kind}")


_DAY = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?:([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)


def _is_text(value: str) -> bool:
    """Tell whether a cell holds words, an e-mail or a name, and not a link or a list of numbers."""
    return (" " in value.strip() or "@" in value or "^" in value) and "://" not in value
