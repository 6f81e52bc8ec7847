from __future__ import annotations

import math

import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.transport import SOLVERS, evaluations, integrate, shifted_grid, uniform_grid

ORDERS = {"euler": 1, "heun": 2, "multistep": 2}


def wave(z, t):
    """dz/dt = z cos(2 t), solved by z(0) exp(sin(2 t) / 2)."""
    return z * math.cos(2 * t)


def wave_solution(z, start, stop):
    return z * math.exp((math.sin(2 * stop) - math.sin(2 * start)) / 2)


def uneven_grid(n, start, stop):
    """A smooth but clearly non-uniform grid: the longest step is 3 times the shortest."""
    u = torch.linspace(0, 1, n + 1, dtype=torch.float64)
    return start + (stop - start) * (u + u * u) / 2


def test_every_solver_is_listed_here():
    assert set(SOLVERS) == set(ORDERS)


@pytest.mark.parametrize("make_grid", [uneven_grid, uniform_grid])
@pytest.mark.parametrize(("start", "stop"), [(0.0, 1.0), (1.0, 0.0), (0.9, 0.15)])
@pytest.mark.parametrize(("solver", "order"), ORDERS.items())
def test_order_of_convergence(solver, order, start, stop, make_grid, points):
    """Halving the steps divides the error by 2^order; the observed order is within 0.05."""
    exact = wave_solution(points, start, stop)
    errors = [
        (integrate(wave, points, make_grid(n, start, stop), solver) - exact).abs().max().item()
        for n in (160, 320)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.05)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_constant_velocity_is_exact(solver, points):
    """To 1e-14, on any grid and in both directions."""
    velocity = torch.full_like(points, 0.7)
    for start, stop in ((0.0, 1.0), (1.0, 0.2)):
        end = integrate(lambda z, t: velocity, points, uneven_grid(5, start, stop), solver)
        torch.testing.assert_close(end, points + (stop - start) * 0.7, atol=1e-14, rtol=0)


@pytest.mark.parametrize("solver", ["heun", "multistep"])
def test_second_order_methods_on_a_velocity_linear_in_time(solver, points):
    """Heun integrates 2 t exactly; so does multistep but for its first Euler step (h^2)."""
    grid = uneven_grid(6, 0.0, 1.0)
    end = integrate(lambda z, t: torch.full_like(z, 2 * t), points, grid, solver)
    first = (grid[1] - grid[0]).item() ** 2 if solver == "multistep" else 0.0
    torch.testing.assert_close(end, points + 1 - first, atol=1e-14, rtol=0)


def test_two_steps_of_multistep_by_hand():
    """v = z on the grid 0, 0.1, 0.3: z1 = 1.1; r = 2: z2 = 1.1 + 0.2 (2 x 1.1 - 1) = 1.34."""
    z, grid = torch.ones(1, 1, 1, 1, dtype=torch.float64), torch.tensor([0, 0.1, 0.3])
    end = integrate(lambda z, t: z, z, grid.double(), "multistep")
    assert end.item() == pytest.approx(1.34, abs=1e-7)  # the grid was rounded to float32


@pytest.mark.parametrize(("solver", "order"), ORDERS.items())
def test_round_trip(solver, order, gaussian, points):
    """Encoding to t = 0.2 and back: errors below 12 / n^order."""
    data, n = gaussian(mean=0.8, std=0.5), 100
    grid = shifted_grid(n, 1.0, 0.2, 1.5)
    z = integrate(data.velocity, points, grid, solver)
    assert (z - data.flow(points, 1.0, 0.2)).abs().max() < 12 / n**order
    back = integrate(data.velocity, z, grid.flip(0), solver)
    assert (back - points).abs().max() < 12 / n**order


def test_solvers_agree(gaussian, points):
    """From noise to data N(0.8, 0.5^2), 4000 (Euler) or 200 steps: within 5e-4 of the solution."""
    data = gaussian(mean=0.8, std=0.5)
    ends = {
        name: integrate(data.velocity, points, uniform_grid(4000 if n == 1 else 200, 0, 1), name)
        for name, n in ORDERS.items()
    }
    for end in ends.values():
        torch.testing.assert_close(end, data.flow(points, 0.0, 1.0), atol=5e-4, rtol=0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_evaluations_are_counted_right_and_none_is_wasted(solver, points):
    times: list[float] = []
    grid = uneven_grid(5, 0.1, 0.9)
    integrate(lambda z, t: times.append(t) or z, points, grid, solver)
    assert len(times) == evaluations(solver, 5)
    assert set(times) == set(grid.tolist() if solver == "heun" else grid[:-1].tolist())


@pytest.mark.parametrize("solver", SOLVERS)
def test_callback_sees_every_step(solver, points):
    seen: list[tuple[int, float, torch.Tensor]] = []
    grid = uneven_grid(4, 1.0, 0.0)
    end = integrate(wave, points, grid, solver, callback=lambda *step: seen.append(step))
    assert [count for count, _, _ in seen] == [1, 2, 3, 4]
    assert [t for _, t, _ in seen] == grid[1:].tolist()
    assert torch.equal(seen[-1][2], end)


@pytest.mark.parametrize("solver", SOLVERS)
def test_latents_keep_their_type_and_are_not_changed_in_place(solver):
    z = torch.ones(2, 3, 4, 4)
    end = integrate(lambda z, t: -z, z, uniform_grid(3, 0, 1), solver)
    assert end.dtype == torch.float32
    assert torch.equal(z, torch.ones(2, 3, 4, 4))


def test_unknown_solver_names_the_known(points):
    for call in (
        lambda: integrate(wave, points, uniform_grid(2, 0, 1), "rk9"),
        lambda: evaluations("rk9", 1),
    ):
        with pytest.raises(SynthmedError, match=r"'rk9'.*euler, heun, multistep"):
            call()


@pytest.mark.parametrize("times", [[0.5], [0.0, 0.5, 0.4], [0.0, 0.0, 1.0], [0.0, float("nan")]])
def test_a_grid_that_turns_round_is_refused(times, points):
    with pytest.raises(SynthmedError, match="rising or falling"):
        integrate(wave, points, torch.tensor(times, dtype=torch.float64))
