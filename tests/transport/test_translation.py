"""Encode-decode between two Gaussians, whose result is known in closed form."""

from __future__ import annotations

import pytest
import torch

from synthmed.transport import Guidance, guided, integrate, uniform_grid

TOLERANCE = 2e-4  # Heun's method, 300 steps


@pytest.mark.parametrize("depth", [0.0, 0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("std", [0.2, 0.5, 1.0])
def test_share_of_the_mean_shift(std, depth, gaussian, points):
    """The mean moves by 1 - s tau / sqrt((1 - tau)^2 + (s tau)^2) of the way; nothing else does."""
    source, target = gaussian(-0.5, std), gaussian(1.5, std)
    grid = uniform_grid(300, 1.0, depth)
    z = integrate(source.velocity, points, grid, "heun")
    end = integrate(target.velocity, z, grid.flip(0), "heun")
    share = 1 - std * depth / ((1 - depth) ** 2 + (std * depth) ** 2) ** 0.5
    torch.testing.assert_close(end, points + 2.0 * share, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("scale", [0.0, 1.5, 3.0])
def test_guidance_multiplies_the_share(scale, gaussian, points):
    """With equal spreads the difference of velocities is the same everywhere: w times the shift."""
    source, target = gaussian(-0.5, 0.5), gaussian(1.5, 0.5)
    grid = uniform_grid(300, 1.0, 0.4)
    z = integrate(source.velocity, points, grid, "heun")

    def velocities(z, t, conditions):
        return tuple(data.velocity(z, t) for data in conditions)

    field = guided(velocities, target, source, Guidance(scale))
    end = integrate(field, z, grid.flip(0), "heun")
    shift = 2.0 * scale * source.share(0.4)
    torch.testing.assert_close(end, points + shift, atol=TOLERANCE, rtol=0)


def test_different_spreads(gaussian, points):
    """At depth 0 the transport is the monotone map between the two Gaussians."""
    source, target = gaussian(-0.5, 0.5), gaussian(1.5, 0.8)
    grid = uniform_grid(300, 1.0, 0.0)
    z = integrate(source.velocity, points, grid, "heun")
    end = integrate(target.velocity, z, grid.flip(0), "heun")
    torch.testing.assert_close(end, 1.5 + 0.8 / 0.5 * (points + 0.5), atol=TOLERANCE, rtol=0)
