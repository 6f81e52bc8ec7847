"""Validate a dataset folder: all checks, each a short function of its own file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from synthmed.datasets.folder import DatasetFolder, read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.validation.balance import balance_findings
from synthmed.datasets.validation.contradictions import contradiction_findings
from synthmed.datasets.validation.files import file_findings
from synthmed.datasets.validation.findings import Finding, Report, in_order
from synthmed.datasets.validation.identifiers import name_identifiers, text_identifiers
from synthmed.datasets.validation.leakage import group_leaks, near_duplicates, place, same_pixels
from synthmed.datasets.validation.looks import Looks, look_at
from synthmed.datasets.validation.texts import (
    group_findings,
    text_findings,
    unreadable_findings,
)
from synthmed.datasets.validation.values import inverted_findings, value_findings


def validate(
    folder: str | os.PathLike[str] | DatasetFolder, *, leakage_only: bool = False
) -> Report:
    """Check a dataset folder; nothing is changed.

    Args:
        folder: A dataset folder, or one that was read.
        leakage_only: Look for leakage between splits only.

    Returns:
        The report; its findings never repeat an identifier.

    Raises:
        SynthmedError: The folder cannot be read, or has no usable row.
    """
    if not isinstance(folder, DatasetFolder):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is warned of becomes a finding
            folder = read_dataset(folder)
    looks = look_at(folder.rows)
    findings = leakage(folder.rows, looks)
    if leakage_only:
        findings = [finding for finding in findings if finding.kind != "duplicate"]
    else:
        findings += _other_findings(folder, looks)
    return Report(Path(folder.path), len(folder.rows), in_order(findings))


def leakage(rows: Sequence[Row], looks: Looks) -> list[Finding]:
    """Find leakage between splits, and the same pixels twice in one split."""
    return [*group_leaks(rows), *same_pixels(rows, looks), *near_duplicates(rows, looks)]


def _other_findings(folder: DatasetFolder, looks: Looks) -> list[Finding]:
    rows, root = folder.rows, Path(folder.path)
    damaged = [
        Finding("unreadable", "error", place(rows[index]), reason)
        for index, reason in sorted(looks.reasons.items())
    ]
    return [
        *unreadable_findings(folder.rejected),
        *damaged,
        *group_findings(rows, root),
        *text_findings(rows),
        *balance_findings(rows),
        *value_findings(rows, looks),
        *inverted_findings(rows, looks),
        *contradiction_findings(rows),
        *text_identifiers(rows),
        *name_identifiers(rows),
        *file_findings(root),
    ]
