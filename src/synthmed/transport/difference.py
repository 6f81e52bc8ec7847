"""Translate along a source's own path by integrating the difference to the target alone.

Encoding records the source's path: latents z_k and velocities v_k at the points t_k of the grid,
from data (t = 1) down to the depth. Decoding then solves, for the difference delta to that path,

    d delta / dt = v_target(z_k + delta, t_k) - v_k,    delta = 0 at the depth,

on the same grid in reverse, and the result is ``z_0 + delta``. The exact solution is that of
encoding and decoding one after the other; but here the errors that the solver makes on the source's
own path cancel instead of adding up. With target = source the derivative is zero and so is delta,
exactly, for every number of steps and every solver. All solvers evaluate a field at points of the
grid only, where the path is recorded.

Related: FlowEdit (Kulikov et al. 2024, arXiv:2412.08629) integrates the difference of the same two
velocities too, but between points that are noised afresh at every step, without inversion, and so
gives random results; here they lie on the source's own inverted path, and nothing is random.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from synthmed.transport.guidance import Field
from synthmed.transport.solvers import evaluations, integrate


@dataclass(frozen=True)
class Trajectory:
    """A source's path as a solver went along it.

    Args:
        times: The grid, from t = 1 down to the depth.
        latents: Latents (B, C, H, W) at each of these times.
        velocities: The source's velocity (B, C, H, W) at each of these points.
    """

    times: tuple[float, ...]
    latents: tuple[Tensor, ...]
    velocities: tuple[Tensor, ...]


def record(field: Field, z: Tensor, grid: Tensor, solver: str = "euler") -> Trajectory:
    """Integrate along a field and keep the path.

    Every solver evaluates the field at the start of each step; at the last point it is evaluated
    once more (`recorded_evaluations` counts it).

    Args:
        field: Velocity field of the source, without guidance.
        z: Latents (B, C, H, W) at ``grid[0]``.
        grid: Times (n + 1,), strictly falling.
        solver: A name of `SOLVERS`.

    Returns:
        The path; its last latents are those of `integrate`.

    Raises:
        SynthmedError: As `integrate`.
    """
    latents, velocities = [z], list[Tensor]()

    def watched(point: Tensor, t: float) -> Tensor:
        velocity = field(point, t)
        if len(velocities) < len(latents):  # the first evaluation of a step lies on the path
            velocities.append(velocity)
        return velocity

    end = integrate(watched, z, grid, solver, lambda _, __, reached: latents.append(reached))
    times: list[float] = grid.to("cpu", torch.float64).tolist()
    velocities.append(field(end, times[-1]))
    return Trajectory(tuple(times), tuple(latents), tuple(velocities))


def follow(field: Field, trajectory: Trajectory, solver: str = "euler") -> Tensor:
    """Integrate the difference of a field to a recorded path, from its last time to its first.

    Args:
        field: Velocity field of the target, guidance included.
        trajectory: What `record` gave.
        solver: A name of `SOLVERS`.

    Returns:
        The difference (B, C, H, W) at the path's first time, to be added to its first latents.

    Raises:
        SynthmedError: As `integrate`.
    """
    points = dict(
        zip(
            trajectory.times,
            zip(trajectory.latents, trajectory.velocities, strict=True),
            strict=True,
        )
    )

    def difference(delta: Tensor, t: float) -> Tensor:
        z, velocity = points[t]
        return field(z + delta, t) - velocity

    grid = torch.tensor(trajectory.times[::-1], dtype=torch.float64)
    return integrate(difference, torch.zeros_like(trajectory.latents[0]), grid, solver)


def recorded_evaluations(solver: str, n: int) -> int:
    """Number of evaluations of the field that `record` makes: one more than `integrate`.

    Args:
        solver: A name of `SOLVERS`.
        n: Number of steps.

    Raises:
        SynthmedError: The solver is unknown.
    """
    return evaluations(solver, n) + 1
