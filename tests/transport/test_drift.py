from __future__ import annotations

import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.transport import SOLVERS, LinearPath, VariancePreservingPath, integrate, uniform_grid
from synthmed.transport.drift import Drift

DELTA = 0.3
TOLERANCE = 2e-4  # Heun's method, 300 steps
GAINS = [(1.0, 1.246), (0.5, 0.861), (0.2, 0.492)]  # design table, three decimals


def drifted(path, data):
    return lambda z, t: path.drift_velocity(data.velocity(z, t))


@pytest.mark.parametrize("std", [1.0, 0.5, 0.2])
def test_prior_drift_moves_the_mean_by_delta_times_std(std, gaussian, points):
    data, grid = gaussian(0.4, std), uniform_grid(300, 0.0, 1.0)
    path = LinearPath(Drift(DELTA))
    plain = integrate(drifted(path, data), LinearPath().prior(points), grid, "heun")
    moved = integrate(drifted(path, data), path.prior(points), grid, "heun")
    torch.testing.assert_close(moved, plain + DELTA * std, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("std", "gain"), GAINS)
def test_field_drift_moves_the_mean_by_delta_times_the_integral(std, gain, gaussian, points):
    data, grid = gaussian(0.4, std), uniform_grid(300, 0.0, 1.0)
    assert data.drift_gain() == pytest.approx(gain, abs=6e-4)
    path = LinearPath(Drift(DELTA, "field"))
    assert path.prior(points) is points
    moved = integrate(drifted(path, data), points, grid, "heun")
    expected = data.flow(points, 0.0, 1.0) + DELTA * data.drift_gain()
    torch.testing.assert_close(moved, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n", [1000, 2000])
def test_the_shift_depends_neither_on_solver_nor_on_steps(solver, n, gaussian, points):
    """Within 0.2 % of delta."""
    data = gaussian(0.4, 0.5)
    field = drifted(LinearPath(Drift(DELTA, "field")), data)
    grid = uniform_grid(n, 0.0, 1.0)
    shift = integrate(field, points, grid, solver) - integrate(data.velocity, points, grid, solver)
    torch.testing.assert_close(
        shift, torch.full_like(points, DELTA * data.drift_gain()), atol=2e-3 * DELTA, rtol=0
    )


def test_field_drift_is_subtracted_in_inversion(gaussian, points):
    """Encoding subtracts delta times the integral of 1 / sigma; the round trip closes."""
    data, grid = gaussian(0.4, 0.5), uniform_grid(300, 1.0, 0.0)
    field = drifted(LinearPath(Drift(DELTA, "field")), data)
    z = integrate(field, points, grid, "heun")
    expected = data.flow(points, 1.0, 0.0) - DELTA * data.drift_gain() / 0.5
    torch.testing.assert_close(z, expected, atol=TOLERANCE, rtol=0)
    back = integrate(field, z, grid.flip(0), "heun")
    torch.testing.assert_close(back, points, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("start", "stop"), [(0.0, 1.0), (1.0, 0.25)])
def test_field_drift_alone_is_delta_times_the_time_travelled(solver, start, stop, points):
    """With a network that returns 0, forwards adds and backwards subtracts; to 1e-14."""
    path = LinearPath(Drift(DELTA, "field"))

    def field(z, t):
        return path.drift_velocity(path.velocity(torch.zeros_like(z), z, t))

    end = integrate(field, points, uniform_grid(9, start, stop), solver)
    torch.testing.assert_close(end, points + DELTA * (stop - start), atol=1e-14, rtol=0)


def test_prior_drift_in_training_puts_the_end_of_inversion_there(gaussian, points):
    """A field trained with noise e + delta: inverted data N(mu, s^2) end as N(delta, 1)."""
    path = LinearPath(Drift(DELTA))
    trained = gaussian(0.4, 0.5, noise_mean=DELTA)
    grid = uniform_grid(300, 1.0, 0.0)
    z = integrate(drifted(path, trained), 0.4 + 0.5 * points, grid, "heun")
    torch.testing.assert_close(z, path.prior(points), atol=TOLERANCE, rtol=0)
    back = integrate(drifted(path, trained), path.prior(points), grid.flip(0), "heun")
    torch.testing.assert_close(back, 0.4 + 0.5 * points, atol=TOLERANCE, rtol=0)


def test_vp_prior_drift_moves_the_mean_by_its_share_of_the_noise(alphas_cumprod, gaussian, points):
    """From t_min on, (1 - t_min) delta grows by sigma(1) / sigma(t_min)."""
    data = gaussian(0.4, 0.5)
    path = VariancePreservingPath(alphas_cumprod, drift=Drift(DELTA))
    plain = VariancePreservingPath(alphas_cumprod)
    t = path.t_min
    torch.testing.assert_close(
        path.prior(points) - plain.prior(points), torch.full_like(points, (1 - t) * DELTA)
    )
    grid = uniform_grid(300, t, 1.0)
    shift = integrate(data.velocity, path.prior(points), grid, "heun") - integrate(
        data.velocity, plain.prior(points), grid, "heun"
    )
    expected = torch.full_like(points, (1 - t) * DELTA * 0.5 / data.sigma(t))
    torch.testing.assert_close(shift, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("mode", ["prior", "field"])
@pytest.mark.parametrize("value", [0.0, (0.0, -0.0, 0.0)])
def test_zero_changes_nothing_bit_for_bit(mode, value, alphas_cumprod):
    drift = Drift(value, mode)
    assert drift.is_zero
    z, x, t = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4), torch.tensor([0.3, 0.9])
    linear, vp = LinearPath(drift), VariancePreservingPath(alphas_cumprod, drift=drift)
    assert linear.prior(z) is z
    assert torch.equal(vp.prior(z), VariancePreservingPath(alphas_cumprod).prior(z))
    assert torch.equal(linear.sample(x, z, t).z, LinearPath().sample(x, z, t).z)
    for path in (linear, vp):
        assert path.drift_velocity(z) is z


@pytest.mark.parametrize("mode", ["prior", "field"])
def test_one_value_a_channel(mode):
    drift, z = Drift((0.1, -0.2, 0.0), mode), torch.zeros(2, 3, 4, 4)
    path = LinearPath(drift)
    moved = path.prior(z) if mode == "prior" else path.drift_velocity(z)
    assert drift.tensor(z).shape == (1, 3, 1, 1)
    assert torch.equal(moved, torch.tensor([0.1, -0.2, 0.0]).reshape(1, 3, 1, 1).expand(2, 3, 4, 4))
    with pytest.raises(SynthmedError, match="3 values for latents of 4 channels"):
        drift.tensor(torch.zeros(1, 4, 2, 2))


def test_each_mode_acts_in_its_place_only():
    z = torch.zeros(1, 1, 2, 2)
    assert LinearPath(Drift(DELTA, "field")).prior(z) is z
    assert LinearPath(Drift(DELTA, "prior")).drift_velocity(z) is z


def test_a_list_from_a_file_becomes_a_tuple_and_unknown_modes_are_refused():
    assert Drift([0.1, 0.2]) == Drift((0.1, 0.2))
    with pytest.raises(SynthmedError, match=r"'noise'.*prior, field"):
        Drift(0.1, "noise")
