"""Tables as a page shows them: numbers aligned, intervals kept in one piece."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from synthmed.evaluation.sections import Table

_PLAIN = r"[-−+]?\d[\d.,\u202f\u00a0]*(?:[eE][-+]?\d+)?(?:\s?(?:%|[a-zµ°]{1,3}))?"
_NUMBER = rf"[<>≤≥≈±~]?\s?{_PLAIN}(?:\s?(?:/|of|to)\s?{_PLAIN})?"
_INTERVAL = r"[\[(]\s*[-−+]?\d[^\[\]()]*[\])]"
_MEASURED = re.compile(rf"(?P<value>{_NUMBER})\s*(?P<interval>{_INTERVAL})?")
_NOTHING = frozenset({"", "-", "–", "—", "n/a", "none", "not measurable"})
# What must not be broken over two lines: intervals, and a number with its per cent or its "n =".
_TIED = re.compile(r"\[[-−+\d][^\[\]]{0,40}\]|\([-−+\d][-−\d., %to]{0,40}\)|\d %|\bn = \d")
_WIDE = 7  # columns from which a table is printed smaller
_SHORT = 18  # lines up to which a table is printed on one page


@dataclass(frozen=True)
class Cell:
    """A cell: its text, the interval behind it, and whether it is words among numbers."""

    text: str
    interval: str = ""
    words: bool = False


@dataclass(frozen=True)
class TableView:
    """A table as the page needs it.

    Attributes:
        title: Its caption.
        columns: Each column's name, and whether it holds numbers.
        lines: Its cells, as many a line as there are columns.
        notes: Sentences below it.
        wide: It has many columns.
        short: It has few lines.
    """

    title: str
    columns: list[tuple[str, bool]]
    lines: list[list[Cell]]
    notes: list[str]
    wide: bool
    short: bool


def table_view(table: Table) -> TableView:
    """Find the columns that are mostly numbers, and split values from their intervals.

    Args:
        table: The table; lines that are too short are filled up with blanks.
    """
    width = max([len(table.header), *map(len, table.lines)])
    names = [str(name) for name in table.header] + [""] * (width - len(table.header))
    rows = [[str(cell) for cell in line] + [""] * (width - len(line)) for line in table.lines]
    numeric = [_is_numeric([row[i] for row in rows]) for i in range(width)]
    return TableView(
        table.title,
        list(zip(names, numeric, strict=True)),
        [[_cell(text, numeric[i]) for i, text in enumerate(row)] for row in rows],
        list(table.notes),
        wide=width >= _WIDE,
        short=len(rows) <= _SHORT,
    )


def tied(text: str) -> str:
    """Put unbreakable spaces into intervals, per cents and "n = 12", and write minus signs."""
    signed = re.sub(r"(?<![\w.-])-(?=\d)", "−", text)
    return _TIED.sub(lambda found: found.group().replace(" ", "\u00a0"), signed)


def _is_numeric(texts: Sequence[str]) -> bool:
    told = [text.strip() for text in texts if text.strip().lower() not in _NOTHING]
    return 2 * sum(bool(_MEASURED.fullmatch(text)) for text in told) > len(told)


def _cell(text: str, numeric: bool) -> Cell:
    found = _MEASURED.fullmatch(text.strip()) if numeric else None
    if not found:
        return Cell(tied(text), words=numeric)
    return Cell(_minus(found["value"]), _minus(found["interval"] or ""))


def _minus(text: str) -> str:
    """Write negative numbers with a minus sign; exponents stay as they are."""
    return re.sub(r"(?<![\d.eE])-(?=[\d.])", "−", text.strip()).replace(" ", "\u00a0")
