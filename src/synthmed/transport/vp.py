"""The variance-preserving path (Stable Diffusion), in the coordinates of the linear one.

With ``z_vp = a x + s e`` (``a^2 = alphas_cumprod``, ``a^2 + s^2 = 1``) set ``t = a / (a + s)`` and
``z = z_vp / (a + s)``; then ``z = t x + (1 - t) e`` with velocity ``x - e``, as on the linear path,
and DDIM (Song et al. 2021, arXiv:2010.02502, eq. 12 with sigma = 0) is Euler's method. Networks
predict the noise e, or ``a e - s x`` (v-prediction: Salimans & Ho 2022, arXiv:2202.00512, app. D).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.transport.drift import Drift
from synthmed.transport.paths import PathSample, Time, per_row


def vp_scale(t: Time) -> Time:
    """The factor ``a + s`` of ``z_vp = (a + s) z`` at time t (a float, or any tensor)."""
    scale: Time = (t * t + (1 - t) * (1 - t)) ** -0.5
    return scale


def _log_noise(t: float) -> float:
    """``log(s / a)`` at time t, infinite at both ends."""
    if t <= 0 or t >= 1:
        return math.inf if t <= 0 else -math.inf
    return math.log((1 - t) / t)


@dataclass(frozen=True, eq=False)
class VariancePreservingPath:
    """The path of a discrete variance-preserving schedule.

    Args:
        alphas_cumprod: The schedule (K,), strictly falling within [0, 1).
        prediction: What the network returns: ``"epsilon"`` or ``"v_prediction"``.
        drift: Shift of the prior or of the velocity; 0 changes nothing.

    Raises:
        SynthmedError: The prediction is unknown, the schedule does not fall, or it ends in pure
            noise, where a network that predicts noise says nothing about the image.
    """

    alphas_cumprod: Tensor
    prediction: Literal["epsilon", "v_prediction"] = "epsilon"
    drift: Drift = field(default_factory=Drift)

    def __post_init__(self) -> None:
        """Check prediction and schedule."""
        if self.prediction not in ("epsilon", "v_prediction"):
            raise SynthmedError(
                f"unknown prediction type {self.prediction!r}", mend="Known: epsilon, v_prediction."
            )
        alphas = self.alphas_cumprod.double()
        falls = alphas.ndim == 1 and len(alphas) > 2 and bool((alphas.diff() < 0).all())
        if not falls or not 0 <= float(alphas[-1]) < float(alphas[0]) < 1:
            raise SynthmedError("alphas_cumprod does not fall strictly within [0, 1)")
        if self.prediction == "epsilon" and float(alphas[-1]) == 0:
            raise SynthmedError(
                "the schedule ends in pure noise (zero terminal SNR)",
                mend="Such a network must use v_prediction.",
            )

    @cached_property
    def _times(self) -> list[float]:
        """The time of each timestep, falling."""
        a = self.alphas_cumprod.detach().cpu().double().sqrt()
        s = (1 - self.alphas_cumprod.detach().cpu().double()).sqrt()
        times: list[float] = (a / (a + s)).tolist()
        return times

    @cached_property
    def _log_noises(self) -> list[float]:
        """``log(s / a)`` of each timestep, rising."""
        return [_log_noise(t) for t in self._times]

    @property
    def t_min(self) -> float:
        """First time of the path: that of the last timestep (0.064 for Stable Diffusion)."""
        return self._times[-1]

    def t_of_timestep(self, k: int) -> float:
        """The time of an integer timestep k, from 0 (nearly data) to K - 1 (nearly noise)."""
        return self._times[k]

    def timestep(self, t: Time) -> Time:
        """The network's timestep at time t, interpolated in ``log(s / a)``.

        Args:
            t: One time, or times (B,) (float64 where integers should come out as integers).

        Returns:
            Timestep(s) within [0, K - 1], exact at the schedule's own times.
        """
        if isinstance(t, Tensor):
            return torch.tensor([self.timestep(v) for v in t.tolist()], device=t.device)
        table, value = self._log_noises, _log_noise(t)
        if value <= table[0] or value >= table[-1]:
            return 0.0 if value <= table[0] else len(table) - 1.0
        low = bisect_right(table, value) - 1
        if math.isinf(table[low + 1]):  # zero terminal SNR: the last interval has no length
            return float(low)
        return low + (value - table[low]) / (table[low + 1] - table[low])

    def to_vp(self, z: Tensor, t: float) -> Tensor:
        """Latents (B, C, H, W) at time t to the variance-preserving ``z_vp = (a + s) z``."""
        return z * vp_scale(t)

    def from_vp(self, z_vp: Tensor, t: float) -> Tensor:
        """The inverse of `to_vp`: ``z = z_vp / (a + s)``."""
        return z_vp / vp_scale(t)

    def prior(self, noise: Tensor) -> Tensor:
        """Latents at `t_min`, of distribution N((1 - t_min) drift, I / (a + s)^2).

        Args:
            noise: Standard normal noise (B, C, H, W), which is z_vp there.

        Returns:
            Tensor (B, C, H, W).
        """
        z = self.from_vp(noise, self.t_min)
        if self.drift.mode != "prior" or self.drift.is_zero:
            return z
        return z + (1 - self.t_min) * self.drift.tensor(noise)

    def sample(self, x: Tensor, noise: Tensor, t: Tensor) -> PathSample:
        """Points on the path between data and (in prior mode, drifted) noise.

        Args:
            x: Data latents (B, C, H, W).
            noise: Standard normal noise (B, C, H, W).
            t: Times (B,) in [t_min, 1], best in float64 and at integer timesteps.

        Returns:
            The points z (not z_vp), and what the network learns: e, or ``a e - s x``.
        """
        e, row_t = self.drift.shift_noise(noise), per_row(t, x)
        z = row_t * x + (1 - row_t) * e
        if self.prediction == "epsilon":
            return PathSample(z=z, target=e, t=t)
        return PathSample(z=z, target=vp_scale(row_t) * (row_t * e - (1 - row_t) * x), t=t)

    def network_input(self, z: Tensor, t: float | Tensor) -> Tensor:
        """Latents (B, C, H, W) at t (a float, or times (B,)) to the z_vp that the network sees."""
        return z * (vp_scale(per_row(t, z)) if isinstance(t, Tensor) else vp_scale(t))

    def velocity(self, output: Tensor, z: Tensor, t: float) -> Tensor:
        """The velocity ``x - e`` from the network's output.

        Args:
            output: The network's output (B, C, H, W).
            z: The latents (B, C, H, W), not z_vp, at time t.
            t: Time in [t_min, 1].

        Returns:
            Tensor (B, C, H, W).
        """
        if self.prediction == "epsilon":
            return (z - output) / t
        c = vp_scale(t)  # x - e = (a - s) z_vp - (a + s) output
        return (2 * t - 1) * c * c * z - c * output

    def drift_velocity(self, velocity: Tensor) -> Tensor:
        """The velocity (B, C, H, W) plus drift in field mode; else the velocity itself."""
        return self.drift.shift_velocity(velocity)
