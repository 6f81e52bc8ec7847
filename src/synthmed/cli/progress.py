"""A line on standard error that says what is being done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def status(*, shown: bool) -> Iterator[Callable[[str], None]]:
    """Show what is being done while the block works.

    Args:
        shown: False shows nothing.

    Yields:
        A function to tell it.
    """
    from rich.console import Console
    from rich.text import Text

    if not shown:
        yield lambda _: None
        return
    with Console(stderr=True).status("") as line:
        yield lambda text: line.update(Text(text))
