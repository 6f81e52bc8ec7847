"""The rounds of a filter: the source's images, then replacements of what was rejected."""

from __future__ import annotations

from collections.abc import Sequence

from synthmed.datasets.folder import DatasetFolder
from synthmed.datasets.rows import Row
from synthmed.synthesis.filters.checks import Check
from synthmed.synthesis.filters.judging import UNREADABLE, Rejection, judge
from synthmed.synthesis.filters.redraw import Redraw, redrawable
from synthmed.training.bars import stage


def run_rounds(
    source: DatasetFolder,
    judges: Sequence[Check],
    drawing: Redraw | None,
    tries: int,
    progress: bool,
) -> tuple[list[Row], list[Rejection]]:
    """Judge the source, then replacements of what is rejected; the kept rows keep their places.

    Args:
        source: The dataset.
        judges: The checks, in the order in which they judge.
        drawing: Draws replacements; None draws none.
        tries: Rounds of replacements.
        progress: Show progress bars.

    Returns:
        The kept rows, and all rejections; the files of rejected replacements are removed.
    """
    rejections = [
        Rejection(bad.file_name, UNREADABLE, None, None, bad.reason, 0) for bad in source.rejected
    ]
    places: list[Row | None] = [None] * len(source.rows)
    pending = list(enumerate(source.rows))
    for number in range(1 + (tries if drawing else 0)):
        if number and drawing:
            pending = [(place, row) for place, row in pending if redrawable(row)]
            if pending:
                with stage(f"redrawing, round {number}", shown=progress):
                    rows = drawing.draw([row for _, row in pending])
                pending = [(place, row) for (place, _), row in zip(pending, rows, strict=True)]
        if not pending:
            break
        with stage("judging", shown=progress) as report:
            found = judge([row for _, row in pending], judges, number, report)
        for (place, row), rejection in zip(pending, found, strict=True):
            if rejection is None:
                places[place] = row
            else:
                rejections.append(rejection)
                if number:
                    row.file.unlink()
        pending = [pair for pair, bad in zip(pending, found, strict=True) if bad is not None]
    return [row for row in places if row is not None], rejections
