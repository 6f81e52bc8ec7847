"""Progress of the stages of a run, with the time left, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Report = Callable[[int, int, dict[str, float]], None]
"""Told (done, all, figures)."""


@contextmanager
def stage(title: str, *, shown: bool) -> Iterator[Report]:
    """Show one stage of a run while the block works; figures stand behind the bar.

    Args:
        title: What is done.
        shown: False shows nothing.

    Yields:
        A function to tell (done, all, figures).
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task(title, total=None, figures="")

        def report(done: int, total: int, figures: dict[str, float]) -> None:
            text = "  ".join(f"{key} {value:.4g}" for key, value in figures.items())
            progress.update(task, completed=done, total=total, figures=text)

        yield report
