"""Judge a round of rows by all checks, reading every image once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.synthesis.filters.checks import Candidate, Check, open_candidate

UNREADABLE = "unreadable"
_BATCH = 64


@dataclass(frozen=True)
class Rejection:
    """One line of rejected.csv.

    Attributes:
        file: Split and file name.
        check: Name of the check that rejects it, or "unreadable".
        score: What was measured; None for an image that cannot be read.
        threshold: What it was compared with.
        reason: The same in words.
        round: 0 for an image of the source, 1 and on for redrawn ones.
    """

    file: str
    check: str
    score: float | None
    threshold: float | None
    reason: str
    round: int


def judge(
    rows: Sequence[Row],
    checks: Sequence[Check],
    round: int,
    progress: Callable[[int, int, dict[str, float]], None],
) -> list[Rejection | None]:
    """Judge rows.

    Args:
        rows: The rows; their images are read in batches.
        checks: The checks, in the order in which they judge.
        round: Number of the round, for the list.
        progress: Called with (rows measured, rows, {}).

    Returns:
        For each row None if it passes, else what the first check that rejects it says.
    """
    found: list[Rejection | None] = [None] * len(rows)
    parts: list[list[np.ndarray]] = [[] for _ in checks]
    readable: list[int] = []
    for start in range(0, len(rows), _BATCH):
        batch: list[Candidate] = []
        for index in range(start, min(start + _BATCH, len(rows))):
            try:
                batch.append(open_candidate(rows[index]))
                readable.append(index)
            except SynthmedError as error:
                file = name_of(rows[index])
                found[index] = Rejection(file, UNREADABLE, None, None, str(error), round)
        if batch:
            for part, check in zip(parts, checks, strict=True):
                part.append(check.measure(batch))
        progress(min(start + _BATCH, len(rows)), len(rows), {})
    if not readable:
        return found
    chosen = [rows[i] for i in readable]
    alive = np.ones(len(chosen), np.bool_)
    for part, check in zip(parts, checks, strict=True):
        for number, verdict in enumerate(check.judge(chosen, np.concatenate(part), alive.copy())):
            if verdict is not None:
                alive[number] = False
                said = (verdict.score, verdict.threshold, verdict.reason)
                row = chosen[number]
                found[readable[number]] = Rejection(name_of(row), check.name, *said, round)
    return found


def name_of(row: Row) -> str:
    """Name a row's file: its split and its name in the table."""
    return f"{row.split}/{row.file_name}"
