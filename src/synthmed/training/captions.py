"""What a run's images are conditioned on: tables of distinct captions, labels or domains."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row


@dataclass(frozen=True)
class CaptionTable:
    """The conditions of a run's rows: which of them each row may be trained with.

    Attributes:
        texts: The distinct captions, labels or domains; the first is "", the null.
        index_NC: Number of each row's captions.
    """

    texts: list[str]
    index_NC: Tensor  # noqa: N815


def caption_table(
    rows: Sequence[Row], styles: Sequence[str], count: int, seed: int
) -> CaptionTable:
    """Write `count` captions per row, the styles in turn; equal captions are kept once."""
    numbers: dict[str, int] = {"": 0}
    index = [
        [
            numbers.setdefault(caption(row, styles[c % len(styles)], seed + c), len(numbers))
            for c in range(count)
        ]
        for row in rows
    ]
    return CaptionTable(list(numbers), torch.tensor(index))


def label_table(rows: Sequence[Row], known: Collection[str] | None = None) -> CaptionTable:
    """One value per row: its labels joined by ", ", or its image type where it has none.

    Args:
        rows: The rows.
        known: The values that the model knows; rows with another one get the null.
    """
    values = [label_of(row) for row in rows]
    return _table([value if known is None or value in known else "" for value in values])


def domain_table(rows: Sequence[Row]) -> CaptionTable:
    """One value per row: its domain."""
    return _table([row.domain for row in rows])


def label_of(row: Row) -> str:
    """What a label model is told of a row."""
    return ", ".join(row.labels) or row.image_type


def _table(values: Sequence[str]) -> CaptionTable:
    numbers: dict[str, int] = {"": 0}
    index = [[numbers.setdefault(value, len(numbers))] for value in values]
    return CaptionTable(list(numbers), torch.tensor(index))
