"""Integrating the difference alone: exact identity, known shares of the shift, known orders."""

from __future__ import annotations

import math

import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.transport import SOLVERS, Guidance, evaluations, guided, integrate, shifted_grid
from synthmed.transport.difference import follow, record, recorded_evaluations

ORDERS = {"euler": 1, "heun": 2, "multistep": 2}


def translated(source, target, points, grid, solver):
    return points + follow(target, record(source, points, grid, solver), solver)


def bumpy(z, t):
    """No linear field: what it does to a point depends on the point."""
    return torch.sin(3 * z) + t * z


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_target_that_is_the_source_changes_nothing_at_all(solver, steps, points):
    """Also where the solver is so coarse that encoding and decoding would go far astray."""
    grid = shifted_grid(steps, 1.0, 0.0, 1.5)
    path = record(bumpy, points, grid, solver)
    delta = follow(bumpy, path, solver)
    assert torch.count_nonzero(delta) == 0
    assert torch.equal(points + delta, points)
    back = integrate(bumpy, path.latents[-1], grid.flip(0), solver)
    assert (back - points).abs().max() > 1e-3


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scale", [-2.0, 0.0, 1.0, 7.5])
def test_guidance_between_equal_conditions_changes_nothing(solver, scale, points):
    def velocities(z, t, conditions):
        return tuple(bumpy(z, t) for _ in conditions)

    field = guided(velocities, "a", "a", Guidance(scale))
    delta = follow(field, record(bumpy, points, shifted_grid(5, 1.0, 0.1, 1.0), solver), solver)
    assert torch.count_nonzero(delta) == 0


@pytest.mark.parametrize("depth", [0.0, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("std", [0.3, 1.0])
@pytest.mark.parametrize(("solver", "order"), ORDERS.items())
def test_the_share_of_the_mean_shift_is_reached_with_the_solvers_order(
    solver, order, std, depth, gaussian, points
):
    """1 - s tau / sqrt((1 - tau)^2 + (s tau)^2); halving the steps divides the error by 2^order."""
    source, target = gaussian(-0.5, std), gaussian(1.5, std)
    share = 1 - std * depth / math.sqrt((1 - depth) ** 2 + (std * depth) ** 2)
    errors = []
    for steps in (200, 400):
        grid = shifted_grid(steps, 1.0, depth, 1.0)
        end = translated(source.velocity, target.velocity, points, grid, solver)
        assert torch.allclose(end - points, (end - points).mean(), atol=1e-12)  # the same for all
        errors.append(abs(float((end - points).mean()) - 2 * share))
    assert errors[1] < 3 / 400**order
    assert errors[1] < 1e-10 or math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("scale", [0.0, 1.5, 3.0])
def test_guidance_multiplies_the_shift(scale, gaussian, points):
    source, target = gaussian(-0.5, 0.5), gaussian(1.5, 0.5)

    def velocities(z, t, conditions):
        return tuple(data.velocity(z, t) for data in conditions)

    field = guided(velocities, target, source, Guidance(scale))
    end = translated(source.velocity, field, points, shifted_grid(300, 1.0, 0.4, 1.0), "heun")
    shift = 2.0 * scale * source.share(0.4)
    torch.testing.assert_close(end, points + shift, atol=2e-4, rtol=0)


@pytest.mark.parametrize("solver", ["heun", "multistep"])
@pytest.mark.parametrize("depth", [0.0, 0.3])
def test_with_many_steps_it_is_encoding_and_decoding(solver, depth, gaussian, points):
    """Different means and spreads: both give the same map, at depth 0 the monotone one."""
    source, target = gaussian(-0.5, 0.5), gaussian(1.5, 0.8)
    grid = shifted_grid(600, 1.0, depth, 1.0)
    plain = integrate(source.velocity, points, grid, solver)
    plain = integrate(target.velocity, plain, grid.flip(0), solver)
    end = translated(source.velocity, target.velocity, points, grid, solver)
    torch.testing.assert_close(end, plain, atol=5e-4, rtol=0)
    if depth == 0:
        exact = 1.5 + 0.8 / 0.5 * (points + 0.5)
        torch.testing.assert_close(end, exact, atol=5e-4, rtol=0)


def test_with_few_steps_it_is_nearer_to_the_truth_than_encoding_and_decoding(gaussian, points):
    source, target = gaussian(-0.5, 0.5), gaussian(0.0, 0.55)
    exact = target.flow(source.flow(points, 1.0, 0.2), 0.2, 1.0)
    grid = shifted_grid(4, 1.0, 0.2, 1.0)
    plain = integrate(target.velocity, integrate(source.velocity, points, grid), grid.flip(0))
    ours = translated(source.velocity, target.velocity, points, grid, "euler")
    assert (ours - exact).abs().max() < 0.5 * (plain - exact).abs().max()


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_path_is_that_of_the_solver_with_its_velocities(solver, points):
    calls = []
    grid = shifted_grid(5, 1.0, 0.15, 2.0)

    def field(z, t):
        calls.append(t)
        return bumpy(z, t)

    path = record(field, points, grid, solver)
    assert len(calls) == recorded_evaluations(solver, 5) == evaluations(solver, 5) + 1
    assert path.times == tuple(grid.tolist())
    assert path.latents[0] is points
    assert torch.equal(path.latents[-1], integrate(bumpy, points, grid, solver))
    assert len(path.velocities) == len(path.latents) == 6
    for z, t, velocity in zip(path.latents, path.times, path.velocities, strict=True):
        assert torch.equal(velocity, bumpy(z, t))
    calls.clear()
    follow(field, path, solver)
    assert len(calls) == evaluations(solver, 5)
    assert set(calls) <= set(path.times)


def test_types_are_kept_and_unknown_solvers_refused(points):
    path = record(bumpy, points.float(), shifted_grid(3, 1.0, 0.2, 1.0), "heun")
    assert follow(lambda z, t: z, path, "heun").dtype == torch.float32
    with pytest.raises(SynthmedError, match="unknown solver 'rk4'"):
        record(bumpy, points, shifted_grid(3, 1.0, 0.2, 1.0), "rk4")
    with pytest.raises(SynthmedError, match="unknown solver 'rk4'"):
        follow(bumpy, path, "rk4")
