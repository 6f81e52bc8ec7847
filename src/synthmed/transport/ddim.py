"""The walk of diffusers' DDIMScheduler as Euler's method on the variance-preserving path.

DDIM: Song et al. 2021, arXiv:2010.02502, eq. 12 with sigma = 0. Spacings of the timesteps: Lin et
al. 2024, arXiv:2305.08891, table 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.transport.guidance import Field
from synthmed.transport.solvers import integrate
from synthmed.transport.vp import VariancePreservingPath


def ddim_timesteps(
    k: int, n: int, spacing: str = "leading", steps_offset: int = 0
) -> list[tuple[int, int]]:
    """Start and end of every DDIM step, from noise to data.

    A step from timestep i ends at ``i - k // n``. With ``leading`` that is where the next step
    starts; with ``trailing`` only where n divides k, and with ``linspace`` hardly ever: there
    diffusers starts the next step elsewhere and takes the latents as they are.

    Args:
        k: Number of training timesteps.
        n: Number of steps, from 1 to k.
        spacing: ``"leading"``, ``"trailing"`` or ``"linspace"`` (timestep_spacing).
        steps_offset: Added to every timestep of the leading spacing.

    Returns:
        n pairs (start, end); an end below 0 stands for the scheduler's final alpha.

    Raises:
        SynthmedError: The spacing is unknown, n is out of range, or a timestep is beyond k - 1.
    """
    if not 1 <= n <= k:
        raise SynthmedError(f"{n} DDIM steps", mend=f"Give between 1 and {k}.")
    if spacing == "leading":
        starts = [i * (k // n) + steps_offset for i in reversed(range(n))]
    elif spacing == "trailing":
        ratio = k - (k - k / n)  # rounded as numpy.arange does, which decides ties
        starts = [round(k - i * ratio) - 1 for i in range(n)]
    elif spacing == "linspace":
        starts = [round(i * ((k - 1) / max(n - 1, 1))) for i in reversed(range(n))]
    else:
        raise SynthmedError(
            f"unknown timestep spacing {spacing!r}", mend="Known: leading, trailing, linspace."
        )
    if not 0 <= starts[0] < k:
        raise SynthmedError(
            f"DDIM would start at timestep {starts[0]} of {k}", mend="Take fewer steps."
        )
    return [(start, start - k // n) for start in starts]


def ddim_steps(
    path: VariancePreservingPath,
    n: int,
    spacing: str = "leading",
    steps_offset: int = 0,
    set_alpha_to_one: bool = True,
) -> list[tuple[float, float]]:
    """The steps of DDIMScheduler as pairs of times.

    Args:
        path: The path, with the scheduler's alphas_cumprod.
        n: Number of steps.
        spacing: The scheduler's timestep_spacing.
        steps_offset: The scheduler's steps_offset.
        set_alpha_to_one: Whether the last step ends at t = 1, or at the time of timestep 0.

    Returns:
        Pairs (start, end), rising, without a last step of no length (which changes nothing).

    Raises:
        SynthmedError: As `ddim_timesteps`, or no step is left.
    """
    last = 1.0 if set_alpha_to_one else path.t_of_timestep(0)
    pairs = [
        (path.t_of_timestep(start), path.t_of_timestep(end) if end >= 0 else last)
        for start, end in ddim_timesteps(len(path.alphas_cumprod), n, spacing, steps_offset)
    ]
    steps = [pair for pair in pairs if pair[0] != pair[1]]
    if not steps:
        raise SynthmedError("DDIM from timestep 0 to timestep 0", mend="Take more steps.")
    return steps


def ddim_grid(
    path: VariancePreservingPath,
    n: int,
    spacing: str = "leading",
    steps_offset: int = 0,
    set_alpha_to_one: bool = True,
) -> Tensor:
    """The times at which DDIMScheduler evaluates the network, then its last.

    Euler's method on this grid, from ``from_vp(noise, grid[0])`` to ``to_vp(z, grid[-1])``, equals
    the scheduler wherever its steps join (with leading spacing; with trailing where n divides K).
    Elsewhere it is the joined-up version, and `ddim_walk` the exact copy.

    Args:
        path: The path, with the scheduler's alphas_cumprod.
        n: Number of steps.
        spacing: The scheduler's timestep_spacing.
        steps_offset: The scheduler's steps_offset.
        set_alpha_to_one: Whether the last step ends at t = 1, or at the time of timestep 0.

    Returns:
        Tensor (n + 1,), float64, rising; (n,) where the last step has no length.

    Raises:
        SynthmedError: As `ddim_steps`.
    """
    steps = ddim_steps(path, n, spacing, steps_offset, set_alpha_to_one)
    return torch.tensor([start for start, _ in steps] + [steps[-1][1]], dtype=torch.float64)


def ddim_walk(
    path: VariancePreservingPath, field: Field, z_vp: Tensor, steps: list[tuple[float, float]]
) -> Tensor:
    """Exactly DDIMScheduler: Euler steps that may not join, with z_vp kept between them.

    Args:
        path: The path, with the scheduler's alphas_cumprod.
        field: Velocity field on the path.
        z_vp: Variance-preserving latents (B, C, H, W); the noise itself at the start.
        steps: From `ddim_steps`.

    Returns:
        Variance-preserving latents (B, C, H, W) at the end of the last step.
    """
    for start, end in steps:
        grid = torch.tensor([start, end], dtype=torch.float64)
        z_vp = path.to_vp(integrate(field, path.from_vp(z_vp, start), grid), end)
    return z_vp
