"""The one distribution whose transport is known in closed form: a Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch


@dataclass(frozen=True)
class GaussianData:
    """Data N(mean, std^2) on the linear path, with noise N(noise_mean, 1); (1, 1, n, 1) latents."""

    mean: float = 0.0
    std: float = 1.0
    noise_mean: float = 0.0

    def sigma(self, t: float) -> float:
        """Standard deviation of z at time t."""
        return math.sqrt((t * self.std) ** 2 + (1 - t) ** 2)

    def centre(self, t: float) -> float:
        """Mean of z at time t."""
        return t * self.mean + (1 - t) * self.noise_mean

    def velocity(self, z: torch.Tensor, t: float) -> torch.Tensor:
        """E[x - e | z], the exact velocity."""
        slope = (t * self.std**2 - (1 - t)) / self.sigma(t) ** 2
        return self.mean - self.noise_mean + slope * (z - self.centre(t))

    def flow(self, z: torch.Tensor, start: float, stop: float) -> torch.Tensor:
        """Exact solution: standardised values stay."""
        return self.centre(stop) + self.sigma(stop) / self.sigma(start) * (z - self.centre(start))

    def share(self, t: float) -> float:
        """Share of a shift of the mean that encoding to t and decoding realises."""
        return 1 - self.std * t / self.sigma(t)

    def drift_gain(self) -> float:
        """std times the integral over [0, 1] of 1 / sigma(t), by its antiderivative."""
        s = self.std
        return s * (math.asinh(s) + math.asinh(1 / s)) / math.sqrt(1 + s * s)


@pytest.fixture
def gaussian() -> type[GaussianData]:
    return GaussianData


@pytest.fixture
def points() -> torch.Tensor:
    """Float64 latents (1, 1, 7, 1) that a linear map is fixed by."""
    return torch.linspace(-2, 2, 7, dtype=torch.float64).reshape(1, 1, 7, 1)


@pytest.fixture
def alphas_cumprod() -> torch.Tensor:
    """Stable Diffusion's schedule (scaled linear betas from 0.00085 to 0.012)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0)
