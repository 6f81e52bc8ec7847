"""The layers of Inception-v3 as a table: Szegedy et al. 2016 (arXiv:1512.00567), section 6.

The weights that Heusel et al. 2017 (arXiv:1706.08500) took for their distance differ from the
paper in two points of the table: average pools leave the padding out of the mean, and the pool of
the last block takes the maximum. Layers are named as in torchvision and in the state dicts that
FID programs share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A convolution with its batch norm and a rectifier.

    Attributes:
        name: What it is called in a state dict.
        channels: Channels that it gives.
        kernel: Height and width.
        stride: 2 halves the sides, without padding.
        padded: With stride 1, whether the sides are kept.
    """

    name: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padded: bool = True


Step = Unit | tuple[Unit, ...] | str
"""A unit; several on the same input whose channels are joined; or a pool of 3 × 3: "halve"
(maximum, stride 2), "mean" (without the padding) or "maximum" (both stride 1)."""
Steps = Sequence[Step]
SQUARE, WIDE, TALL = (3, 3), (1, 7), (7, 1)


def _a(pooled: int) -> tuple[Steps, ...]:
    return (
        [Unit("branch1x1", 64)],
        [Unit("branch5x5_1", 48), Unit("branch5x5_2", 64, (5, 5))],
        [
            Unit("branch3x3dbl_1", 64),
            Unit("branch3x3dbl_2", 96, SQUARE),
            Unit("branch3x3dbl_3", 96, SQUARE),
        ],
        ["mean", Unit("branch_pool", pooled)],
    )


def _c(inner: int) -> tuple[Steps, ...]:
    return (
        [Unit("branch1x1", 192)],
        [
            Unit("branch7x7_1", inner),
            Unit("branch7x7_2", inner, WIDE),
            Unit("branch7x7_3", 192, TALL),
        ],
        [
            Unit("branch7x7dbl_1", inner),
            Unit("branch7x7dbl_2", inner, TALL),
            Unit("branch7x7dbl_3", inner, WIDE),
            Unit("branch7x7dbl_4", inner, TALL),
            Unit("branch7x7dbl_5", 192, WIDE),
        ],
        ["mean", Unit("branch_pool", 192)],
    )


def _e(pool: str) -> tuple[Steps, ...]:
    def cross(name: str) -> tuple[Unit, Unit]:
        return Unit(f"{name}a", 384, (1, 3)), Unit(f"{name}b", 384, (3, 1))

    return (
        [Unit("branch1x1", 320)],
        [Unit("branch3x3_1", 384), cross("branch3x3_2")],
        [
            Unit("branch3x3dbl_1", 448),
            Unit("branch3x3dbl_2", 384, SQUARE),
            cross("branch3x3dbl_3"),
        ],
        [pool, Unit("branch_pool", 192)],
    )


STEM: Steps = (
    Unit("Conv2d_1a_3x3", 32, SQUARE, stride=2),
    Unit("Conv2d_2a_3x3", 32, SQUARE, padded=False),
    Unit("Conv2d_2b_3x3", 64, SQUARE),
    "halve",
    Unit("Conv2d_3b_1x1", 80),
    Unit("Conv2d_4a_3x3", 192, SQUARE, padded=False),
    "halve",
)
_B: tuple[Steps, ...] = (
    [Unit("branch3x3", 384, SQUARE, stride=2)],
    [
        Unit("branch3x3dbl_1", 64),
        Unit("branch3x3dbl_2", 96, SQUARE),
        Unit("branch3x3dbl_3", 96, SQUARE, stride=2),
    ],
    ["halve"],
)
_D: tuple[Steps, ...] = (
    [Unit("branch3x3_1", 192), Unit("branch3x3_2", 320, SQUARE, stride=2)],
    [
        Unit("branch7x7x3_1", 192),
        Unit("branch7x7x3_2", 192, WIDE),
        Unit("branch7x7x3_3", 192, TALL),
        Unit("branch7x7x3_4", 192, SQUARE, stride=2),
    ],
    ["halve"],
)
BLOCKS: dict[str, tuple[Steps, ...]] = {
    "Mixed_5b": _a(32),
    "Mixed_5c": _a(64),
    "Mixed_5d": _a(64),
    "Mixed_6a": _B,
    "Mixed_6b": _c(128),
    "Mixed_6c": _c(160),
    "Mixed_6d": _c(160),
    "Mixed_6e": _c(192),
    "Mixed_7a": _D,
    "Mixed_7b": _e("mean"),
    "Mixed_7c": _e("maximum"),
}
"""The blocks after the stem, in their order: chains side by side, whose channels are joined."""
