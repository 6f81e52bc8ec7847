"""The eight positions of a square image: turned by quarters, mirrored or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError

SYMMETRIES: dict[str, tuple[int, bool]] = {
    "identity": (0, False),
    "mirror": (0, True),
    "half-turn": (2, False),
    "upside-down": (2, True),
    "quarter-turn": (1, False),
    "three-quarter-turn": (3, False),
    "diagonal": (1, True),
    "other-diagonal": (3, True),
}
"""Quarter turns to the left, and whether left and right are exchanged after that."""

USUAL = ("identity", "mirror")
"""What is searched unless more is asked for."""
ALL = tuple(SYMMETRIES)
"""Every position. The images of every position are described and ranked; as many candidates as
before are compared tile by tile."""


def positioned(images: Any, name: str) -> Any:
    """Brings images into one of the eight positions.

    Args:
        images: (..., S, S).
        name: A name in ``SYMMETRIES``.

    Returns:
        A view of the images, (..., S, S).
    """
    quarters, mirrored = SYMMETRIES[name]
    turned = np.rot90(images, quarters, (-2, -1))
    return turned[..., ::-1] if mirrored else turned


def check_symmetries(names: Sequence[str]) -> tuple[str, ...]:
    """Checks the positions to search.

    Args:
        names: Names in ``SYMMETRIES``; "identity" comes first.

    Returns:
        The names.

    Raises:
        SynthmedError: An unknown name, one that comes twice, or another first one.
    """
    unknown = [name for name in names if name not in SYMMETRIES]
    if unknown:
        raise SynthmedError(
            f"unknown symmetry {unknown[0]!r}", mend=f"Known: {', '.join(SYMMETRIES)}"
        )
    if not names or names[0] != "identity" or len(set(names)) < len(names):
        raise SynthmedError(
            f"symmetries {list(names)}", mend="Begin with 'identity' and name each one once"
        )
    return tuple(names)
