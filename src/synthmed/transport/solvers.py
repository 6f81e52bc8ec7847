"""Solvers of ``dz/dt = v(z, t)`` over any grid, forwards (decode) or backwards (encode).

Euler (order 1, one evaluation a step), Heun (order 2, two a step) and variable-step Adams-Bashforth
(order 2, one a step): Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, II.1 and
III.5. Steps are taken in the type of z, which stays what it is; times are float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.transport.guidance import Field

Callback = Callable[[int, float, Tensor], None]
"""Called after each step with the number of steps taken, the time reached and the latents there."""


def euler(field: Field, z: Tensor, times: list[float]) -> Iterator[Tensor]:
    """Euler's method: ``z' = z + h v(z, t)``.

    Args:
        field: Velocity field.
        z: Latents (B, C, H, W) at the first time.
        times: The grid.

    Yields:
        The latents at each further time.
    """
    for t, t_next in pairwise(times):
        z = z + (t_next - t) * field(z, t)
        yield z


def heun(field: Field, z: Tensor, times: list[float]) -> Iterator[Tensor]:
    """Heun's method (explicit trapezium): the mean of the velocities at both ends of the step.

    Args:
        field: Velocity field; also evaluated at the last time.
        z: Latents (B, C, H, W) at the first time.
        times: The grid.

    Yields:
        The latents at each further time.
    """
    for t, t_next in pairwise(times):
        h = t_next - t
        v = field(z, t)
        z = z + (h / 2) * (v + field(z + h * v, t_next))
        yield z


def multistep(field: Field, z: Tensor, times: list[float]) -> Iterator[Tensor]:
    """Adams-Bashforth of two steps on a grid of unequal steps; the first step is Euler's.

    ``z' = z + h ((1 + r/2) v - (r/2) v_last)`` with r the ratio of this step to the last. The local
    error of the one Euler step is of second order, so the whole stays of second order.

    Args:
        field: Velocity field; never evaluated at the last time.
        z: Latents (B, C, H, W) at the first time.
        times: The grid.

    Yields:
        The latents at each further time.
    """
    v_last, h_last = None, 1.0
    for t, t_next in pairwise(times):
        h, v = t_next - t, field(z, t)
        r = h / h_last
        z = z + h * v if v_last is None else z + h * ((1 + r / 2) * v - (r / 2) * v_last)
        v_last, h_last = v, h
        yield z


SOLVERS: dict[str, Callable[[Field, Tensor, list[float]], Iterator[Tensor]]] = {
    "euler": euler,
    "heun": heun,
    "multistep": multistep,
}


def _check(solver: str) -> None:
    if solver not in SOLVERS:
        raise SynthmedError(f"unknown solver {solver!r}", mend=f"Known: {', '.join(SOLVERS)}.")


def evaluations(solver: str, n: int) -> int:
    """Number of evaluations of the field that a solver makes.

    Args:
        solver: A name of `SOLVERS`.
        n: Number of steps.

    Returns:
        2 n for Heun, n for the others.

    Raises:
        SynthmedError: The solver is unknown.
    """
    _check(solver)
    return 2 * n if solver == "heun" else n


def integrate(
    field: Field, z: Tensor, grid: Tensor, solver: str = "euler", callback: Callback | None = None
) -> Tensor:
    """Carry latents along a velocity field from the first time of the grid to the last.

    Args:
        field: Velocity field ``(z, t) -> v``, drift and guidance included.
        z: Latents (B, C, H, W) at ``grid[0]``.
        grid: Times (n + 1,), strictly rising (decoding) or strictly falling (encoding).
        solver: A name of `SOLVERS`.
        callback: Called after each step with (steps taken, time reached, latents).

    Returns:
        Latents (B, C, H, W) at ``grid[-1]``, in the type and on the device of z.

    Raises:
        SynthmedError: The solver is unknown, or the grid has no step or turns round.
    """
    _check(solver)
    times: list[float] = grid.to("cpu", torch.float64).tolist()
    steps = [after - before for before, after in pairwise(times)]
    if not steps or not (all(h > 0 for h in steps) or all(h < 0 for h in steps)):
        raise SynthmedError(
            "the time grid is not strictly rising or falling", where=f"{len(times)} times"
        )
    latents = z
    for count, latents in enumerate(SOLVERS[solver](field, z, times), start=1):
        if callback is not None:
            callback(count, times[count], latents)
    return latents
