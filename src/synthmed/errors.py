"""Errors that a user can mend, one line each: what, where, how to mend it."""

from __future__ import annotations


class SynthmedError(Exception):
    """A problem that the user can mend.

    Args:
        what: What is wrong, in one short clause.
        where: The file, row, column or option at fault.
        mend: How to put it right.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: object = None, mend: str | None = None) -> None:
        place = f" [{where}]" if where is not None else ""
        remedy = f". {mend}" if mend else ""
        super().__init__(" ".join(f"{what}{place}{remedy}".split()))


class SafetyError(SynthmedError):
    """Refused for safety: leakage between patients, a licence, an unsafe file."""

    exit_code = 3


class DivergedError(SynthmedError):
    """A training run whose loss is no longer a finite number."""
