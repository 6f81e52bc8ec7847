from __future__ import annotations

import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.transport import SOLVERS, Guidance, guided, integrate, uniform_grid


class Counter:
    """Velocities of Gaussian data; conditions are `GaussianData`. Records what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, tuple]] = []

    def __call__(self, z, t, conditions):
        self.calls.append((t, conditions))
        return tuple(data.velocity(z, t) for data in conditions)


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0, 7.5])
def test_formula(scale, gaussian, points):
    """To 1e-14: v_base + w (v_target - v_base)."""
    target, base = gaussian(1.0, 0.5), gaussian(-1.0, 0.8)
    v = guided(Counter(), target, base, Guidance(scale))(points, 0.3)
    expected = (1 - scale) * base.velocity(points, 0.3) + scale * target.velocity(points, 0.3)
    torch.testing.assert_close(v, expected, atol=1e-14, rtol=0)


def test_scale_1_evaluates_only_the_target(gaussian, points):
    model, target = Counter(), gaussian(1.0, 0.5)
    v = guided(model, target, gaussian(), Guidance())(points, 0.3)
    assert torch.equal(v, target.velocity(points, 0.3))
    assert model.calls == [(0.3, (target,))]


@pytest.mark.parametrize("solver", SOLVERS)
def test_interval_evaluates_only_what_it_must(solver, gaussian, points):
    """Ten steps, guidance in [0.3, 0.6]: the base is evaluated at 0.3, 0.4, 0.5, 0.6 only."""
    model, target, base = Counter(), gaussian(1.0, 0.5), gaussian()
    grid = uniform_grid(10, 0.0, 1.0)
    start, stop = grid[3].item(), grid[6].item()
    integrate(guided(model, target, base, Guidance(3.0, start, stop)), points, grid, solver)
    for t, conditions in model.calls:
        assert conditions == ((target, base) if start <= t <= stop else (target,))
    extra = sum(len(conditions) - 1 for _, conditions in model.calls)
    assert extra == {"euler": 4, "multistep": 4, "heun": 8}[solver]


@pytest.mark.parametrize("solver", SOLVERS)
def test_interval_without_effect_changes_nothing(solver, gaussian, points):
    """Guidance that acts only after the last evaluation equals no guidance, bit for bit."""
    target, base, grid = gaussian(1.0, 0.5), gaussian(), uniform_grid(8, 0.0, 0.9)
    plain = integrate(guided(Counter(), target, base, Guidance()), points, grid, solver)
    late = Guidance(5.0, 0.95, 1.0)
    assert torch.equal(
        integrate(guided(Counter(), target, base, late), points, grid, solver), plain
    )


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.0, 7.5])
@pytest.mark.parametrize("solver", SOLVERS)
def test_source_equal_to_target_is_the_identity_for_every_scale(solver, scale, gaussian, points):
    """Guidance on the difference cancels bit for bit; the rest is the solver's round trip."""
    source, grid = gaussian(0.8, 0.5), uniform_grid(400, 1.0, 0.2)
    z = integrate(source.velocity, points, grid, solver)
    field = guided(Counter(), source, gaussian(0.8, 0.5), Guidance(scale))
    end = integrate(field, z, grid.flip(0), solver)
    assert torch.equal(end, integrate(source.velocity, z, grid.flip(0), solver))
    assert (end - points).abs().max() < (3e-2 if solver == "euler" else 1e-4)


def test_ordinary_guidance_is_not_the_identity(gaussian, points):
    """The control: with a null base, w = 2 moves the mean by 0.8 (w - 1) share(0.2)."""
    source, null, grid = gaussian(0.8, 0.5), gaussian(0.0, 0.5), uniform_grid(400, 1.0, 0.2)
    z = integrate(source.velocity, points, grid, "heun")
    end = integrate(guided(Counter(), source, null, Guidance(2.0)), z, grid.flip(0), "heun")
    torch.testing.assert_close(
        end - points, torch.full_like(points, 0.8 * source.share(0.2)), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(("start", "stop"), [(-0.1, 1.0), (0.0, 1.1), (0.6, 0.4)])
def test_impossible_intervals_are_refused(start, stop):
    with pytest.raises(SynthmedError, match="0 <= start <= stop <= 1"):
        Guidance(2.0, start, stop)
