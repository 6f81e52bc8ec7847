"""One side of a comparison, dealt into the jackknife's blocks, and what a pass over two gives.

A *family* of metrics shares one pass over the data. It is a function of both sides, a list of
sets of blocks to leave out (first of all the empty one), and the names of the metrics wanted;
it returns each metric's value without each of these sets, the same as computing the metric
anew, without doing so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_images

Index = NDArray[np.int64]
Names = NDArray[np.str_]
LeftOut = Sequence[tuple[int, ...]]
"""Sets of blocks to leave out; the empty set stands for the whole samples."""


@dataclass(frozen=True)
class Dealt:
    """One side of a comparison.

    Attributes:
        rows: Features (N, D) in float64, or images (N, C, H, W).
        blocks: (N,) jackknife block of each row, from 0.
        groups: (N,) group (patient) of each row.
        labels: (N,) label of each row: its prompt, caption, class or type.
    """

    rows: Any
    blocks: Index
    groups: Names
    labels: Names

    @classmethod
    def whole(cls, rows: Any, groups: Any = None, labels: Any = None) -> Dealt:
        """All rows in one block; without groups each its own, without labels all of one."""
        n = len(rows)
        names = np.arange(n) if groups is None else np.asarray(groups)
        kinds = np.zeros(n, dtype=int) if labels is None else np.asarray(labels)
        return cls(rows, np.zeros(n, dtype=np.int64), names.astype(str), kinds.astype(str))


@dataclass(frozen=True)
class Pass:
    """What a family found.

    Attributes:
        values: For each metric its value without each set of blocks. A name such as
            ``"spectrum-difference: 0.25 to 0.5"`` is a part of the metric before the colon.
        facts: For each metric further facts, for the result's ``extra``.
    """

    values: Mapping[str, Array]
    facts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


Family = Callable[[Dealt, Dealt, LeftOut, Collection[str]], Pass]
WHOLE: LeftOut = ((),)


def kept_blocks(left_out: LeftOut, blocks: int) -> NDArray[np.bool_]:
    """(len(left_out), blocks): which blocks remain without each set."""
    keep = np.ones((len(left_out), blocks), dtype=bool)
    for i, left in enumerate(left_out):
        keep[i, list(left)] = False
    return keep


def anew(
    statistic: Callable[[Any, Any], float], real: Dealt, synthetic: Dealt, left_out: LeftOut
) -> Array:
    """A statistic without each set of blocks, computed from the rows that remain."""
    values = []
    for left in left_out:
        kept = [side.rows[~np.isin(side.blocks, left)] for side in (real, synthetic)]
        values.append(float(statistic(*kept)))
    return np.array(values)


def block_count(*sides: Dealt) -> int:
    """Number of blocks that the sides are dealt into together."""
    return 1 + max(int(side.blocks.max()) for side in sides)


def indicator(blocks: Index, count: int, dtype: Any = np.float64) -> NDArray[Any]:
    """(N, count) ones where a row lies in a block: a product with it sums over blocks."""
    return np.eye(count, dtype=dtype)[blocks]


def frame_of(real: Dealt, synthetic: Dealt) -> tuple[int, int]:
    """Height and width of the images of both sides.

    Raises:
        SynthmedError: No images, integers, or sizes that differ.
    """
    shapes = [as_images(side.rows[:1]).shape[2:] for side in (real, synthetic)]
    if shapes[0] != shapes[1]:
        raise SynthmedError(f"images of {shapes[0]} and {shapes[1]} pixels cannot be compared")
    return shapes[0]
