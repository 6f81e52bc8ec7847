"""Texts that contradict the labels beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from synthmed.datasets.negation import Status, findings_in
from synthmed.datasets.reports import parse_report
from synthmed.datasets.rows import Row
from synthmed.datasets.synonyms import EXCLUSIVE, NORMAL, concept_of, implied
from synthmed.datasets.validation.findings import Finding
from synthmed.datasets.validation.leakage import place

_MOST_TEXT = 20_000  # characters of a text that are compared


def contradiction_findings(rows: Sequence[Row]) -> Iterator[Finding]:
    """Find rows whose text or report says another thing than their labels.

    A label contradicts a text that denies it, that says "normal" where the label is a finding
    (and is silent about the finding), or that says a finding where the label is "no finding", and
    one that says the other of two exclusive labels (benign, malignant). What a text doubts
    ("cannot exclude") contradicts nothing, and neither does a label that no table knows.
    """
    for row in rows:
        labels = [concept_of(label, row.image_type) for label in row.labels]
        known = [label for label in labels if label]
        for column in ("text", "report"):
            text = getattr(row, column)[:_MOST_TEXT]
            if not known or not text:
                continue
            described = parse_report(text).description if column == "report" else text
            reason = _contradiction(known, None in labels, findings_in(described))
            if reason:
                yield Finding("contradiction", "warning", place(row), f"{column} {reason}")


def _contradiction(labels: Sequence[str], others: bool, found: Mapping[str, Status]) -> str:
    """Say how a text contradicts concepts, or ""."""
    present = [name for name, status in found.items() if status == "present" and name != NORMAL]
    findings = [label for label in labels if label != NORMAL]
    for label in findings:
        if found.get(label) == "absent" and not any(label in implied(name) for name in present):
            return f"denies the label {label!r}"
        for group in EXCLUSIVE:
            other = [name for name in present if name in group - set(labels)]
            if label in group and other and label not in present:
                return f"says {other[0]!r} where the label is {label!r}"
    if NORMAL in found and findings and not others and not set(findings) & set(found):
        return f"says that nothing was found where the label is {findings[0]!r}"
    if not findings and not others and NORMAL in labels and present:
        return f"says {present[0]!r} where the label is {NORMAL!r}"
    return ""
