"""Paths from noise (t = 0) to data (t = 1), and the map between a path and its network.

All paths share the coordinates ``z = t x + (1 - t) e`` with velocity ``v = x - e``, where x is data
and e noise; they differ in their first time, the prior there, and what the network is told and
returns. This file has the linear path (flow matching: Lipman et al. 2023, arXiv:2210.02747, eq. 22;
rectified flow: Liu et al. 2023, arXiv:2209.03003, eq. 1); `synthmed.transport.vp` has the
variance-preserving one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from torch import Tensor

from synthmed.transport.drift import Drift

Time = TypeVar("Time", float, Tensor)


@dataclass(frozen=True)
class PathSample:
    """A training example on a path.

    Args:
        z: Points on the path (B, C, H, W), in the path's coordinates.
        target: What the network should return for them (B, C, H, W).
        t: Their times (B,), in [0, 1].
    """

    z: Tensor
    target: Tensor
    t: Tensor


class Path(Protocol):
    """What every path offers. Latents are (B, C, H, W), times run from 0 (noise) to 1 (data)."""

    @property
    def drift(self) -> Drift:
        """The drift, honoured by `prior`, `sample` and `drift_velocity`."""

    @property
    def t_min(self) -> float:
        """First time of the path, where its prior lives."""

    def prior(self, noise: Tensor) -> Tensor:
        """Standard normal noise (B, C, H, W) to latents at `t_min`."""

    def sample(self, x: Tensor, noise: Tensor, t: Tensor) -> PathSample:
        """Data, noise (B, C, H, W) and times (B,) to a training example."""

    def network_input(self, z: Tensor, t: float | Tensor) -> Tensor:
        """Latents at t (a float, or one a row) to what the network sees."""

    def timestep(self, t: Time) -> Time:
        """Time to the network's timestep."""

    def velocity(self, output: Tensor, z: Tensor, t: float) -> Tensor:
        """The network's output for latents z at t to the velocity ``x - e``."""

    def drift_velocity(self, velocity: Tensor) -> Tensor:
        """Adds the drift in field mode; to be called once an evaluation, after guidance."""


def per_row(t: Tensor, like: Tensor) -> Tensor:
    """Times (B,) as a (B, 1, 1, 1) factor of latents (B, C, H, W), in their type and device."""
    return t.to(device=like.device, dtype=like.dtype).reshape(-1, 1, 1, 1)


@dataclass(frozen=True)
class LinearPath:
    """The linear path ``z = t x + (1 - t) e`` from t = 0.

    The network follows diffusers' flow convention: it is called with timestep ``1000 (1 - t)`` and
    returns ``e - x``; the path negates.

    Args:
        drift: Shift of the prior or of the velocity; 0 changes nothing, bit for bit.
    """

    drift: Drift = field(default_factory=Drift)

    @property
    def t_min(self) -> float:
        """First time of the path: 0, pure noise."""
        return 0.0

    def prior(self, noise: Tensor) -> Tensor:
        """Latents at t = 0, of distribution N(drift, I) in prior mode, else N(0, I).

        Args:
            noise: Standard normal noise (B, C, H, W).

        Returns:
            Tensor (B, C, H, W); the noise itself where there is no drift.
        """
        return self.drift.shift_noise(noise)

    def sample(self, x: Tensor, noise: Tensor, t: Tensor) -> PathSample:
        """Points on the path between data and (in prior mode, drifted) noise.

        Args:
            x: Data latents (B, C, H, W).
            noise: Standard normal noise (B, C, H, W).
            t: Times (B,) in [0, 1].

        Returns:
            The points, and the target ``e - x`` that the network learns.
        """
        e, row_t = self.drift.shift_noise(noise), per_row(t, x)
        return PathSample(z=row_t * x + (1 - row_t) * e, target=e - x, t=t)

    def network_input(self, z: Tensor, t: float | Tensor) -> Tensor:
        """Latents (B, C, H, W), which the network sees as they are."""
        return z

    def timestep(self, t: Time) -> Time:
        """The network's timestep ``1000 (1 - t)``, from 1000 (noise) to 0 (data)."""
        return 1000 * (1 - t)

    def velocity(self, output: Tensor, z: Tensor, t: float) -> Tensor:
        """The velocity ``x - e`` (B, C, H, W) from the network's output ``e - x``."""
        return -output

    def drift_velocity(self, velocity: Tensor) -> Tensor:
        """The velocity (B, C, H, W) plus drift in field mode; else the velocity itself."""
        return self.drift.shift_velocity(velocity)
