"""Grids of time between any two times, in either direction.

The shifted grid is the timestep shift of Esser et al. 2024, arXiv:2403.03206, eq. 23, written for
``sigma = 1 - t``: ``sigma' = shift sigma / (1 + (shift - 1) sigma)``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from synthmed.errors import SynthmedError


def uniform_grid(n: int, start: float, stop: float) -> Tensor:
    """Grid of n equal steps from start to stop.

    Args:
        n: Number of steps, at least 1.
        start: First time in [0, 1].
        stop: Last time in [0, 1]; before the first for inversion.

    Returns:
        Tensor (n + 1,), float64; both ends are exact.

    Raises:
        SynthmedError: No step, equal ends, or a time outside [0, 1].
    """
    return shifted_grid(n, start, stop, 1.0)


def shifted_grid(n: int, start: float, stop: float, shift: float) -> Tensor:
    """Grid of n steps from start to stop, denser near the noise for shift > 1.

    The shifted points are rescaled so that both ends are exact; the grid from stop to start is the
    same, reversed.

    Args:
        n: Number of steps, at least 1.
        start: First time in [0, 1].
        stop: Last time in [0, 1]; before the first for inversion.
        shift: The shift, above 0; 1 gives the uniform grid.

    Returns:
        Tensor (n + 1,), float64.

    Raises:
        SynthmedError: No step, equal ends, a time outside [0, 1], or a shift that is not positive.
    """
    if n < 1:
        raise SynthmedError(f"{n} steps", mend="Give at least 1.")
    if start == stop or not (0 <= start <= 1 and 0 <= stop <= 1):
        raise SynthmedError(
            f"a grid from t = {start} to {stop}", mend="Give two different times between 0 and 1."
        )
    if not (shift > 0 and math.isfinite(shift)):
        raise SynthmedError(f"a time shift of {shift}", mend="Give a number above 0.")
    low, high = min(start, stop), max(start, stop)
    sigma = 1 - torch.linspace(low, high, n + 1, dtype=torch.float64)
    shifted = 1 - shift * sigma / (1 + (shift - 1) * sigma)
    grid = low + (high - low) * (shifted - shifted[0]) / (shifted[-1] - shifted[0])
    grid[0], grid[-1] = low, high
    return grid if start < stop else grid.flip(0)
