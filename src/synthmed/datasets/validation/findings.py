"""What a validation finds: findings with a kind, a severity and a place."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warning"]

LEAKS = ("group", "pixels", "near-duplicate")
"""The kinds of leakage between splits."""

KINDS = {
    "group": "the same patient (group) in two splits",
    "pixels": "the same pixels in two splits",
    "near-duplicate": "nearly the same image in two splits",
    "duplicate": "the same pixels twice in one split",
    "no-group": "rows whose patient is not known",
    "unreadable": "a row or file that cannot be read",
    "text": "rows that say nothing, or whose text is blank",
    "imbalance": "labels that are rare, or missing from the training split",
    "constant": "an image without content",
    "values": "values that do not use the file's range as they should",
    "inverted": "an image that looks like a negative",
    "contradiction": "a text that contradicts the labels",
    "identifier": "a text or column that may identify a person",
    "file-name": "a file name that may identify a person",
    "header": "a file header that may identify a person",
}
"""Kind of finding to what it means."""


@dataclass(frozen=True)
class Finding:
    """One thing that a validation found.

    Attributes:
        kind: One of `KINDS`.
        severity: "error" (the dataset should not be used as it is) or "warning" (look at it).
        where: The file or column, relative to the dataset folder, or "".
        message: What is wrong. It never repeats an identifier that was found.
    """

    kind: str
    severity: Severity
    where: str
    message: str


@dataclass(frozen=True)
class Report:
    """What a validation of a dataset folder found.

    Attributes:
        path: The folder.
        rows: Number of usable rows.
        findings: The findings, leaks first, then errors, then warnings.
    """

    path: Path
    rows: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def leaks(self) -> list[Finding]:
        """The findings of leakage between splits."""
        return [finding for finding in self.findings if finding.kind in LEAKS]

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings of each kind that occurs."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    def to_dict(self) -> dict[str, Any]:
        """Give the report as a dictionary that JSON can hold."""
        return {
            "dataset": str(self.path),
            "rows": self.rows,
            "leaks": len(self.leaks),
            "counts": self.counts,
            "findings": [asdict(finding) for finding in self.findings],
        }


def in_order(findings: list[Finding]) -> list[Finding]:
    """Sort findings: leaks first, then errors, then warnings; equal ones keep their order."""
    kinds = list(KINDS)
    return sorted(
        findings,
        key=lambda f: (f.kind not in LEAKS, f.severity != "error", kinds.index(f.kind)),
    )
