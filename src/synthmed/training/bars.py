"""Progress of the stages of a run, with the time left, on standard error.

On a terminal a bar; elsewhere (a log file, a batch system) a plain line every half minute.
"""

from __future__ import annotations

import sys
import time
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
EVERY = 30.0
"""Seconds between the lines where there is no terminal."""


@contextmanager
def stage(title: str, *, shown: bool) -> Iterator[Report]:
    """Show one stage of a run while the block works; figures stand behind the count.

    Args:
        title: What is done.
        shown: False shows nothing.

    Yields:
        A function to tell (done, all, figures).
    """
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield _lines(title) if shown else _nothing
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None, figures="")

        def report(done: int, total: int, figures: dict[str, float]) -> None:
            progress.update(task, completed=done, total=total, figures=_text(figures))

        yield report


def _lines(title: str) -> Report:
    """Print a line at once, then one every half minute and one at the end."""
    start = last = time.monotonic()
    print(f"{title} ...", file=sys.stderr, flush=True)

    def report(done: int, total: int, figures: dict[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < EVERY and done < total:
            return
        last = now
        left = f", {(now - start) / done * (total - done):.0f} s left" if 0 < done < total else ""
        line = f"{title}: {done} of {total}, {now - start:.0f} s{left}  {_text(figures)}"
        print(line.rstrip(), file=sys.stderr, flush=True)

    return report


def _nothing(done: int, total: int, figures: dict[str, float]) -> None:
    """Show nothing."""


def _text(figures: dict[str, float]) -> str:
    return "  ".join(f"{key} {value:.4g}" for key, value in figures.items())
