"""The contract that every path keeps."""

from __future__ import annotations

import pytest
import torch

from synthmed.transport import LinearPath, VariancePreservingPath, integrate, uniform_grid
from synthmed.transport.drift import Drift

PATHS = ["linear", "epsilon", "v_prediction"]


def make_path(kind, alphas_cumprod, drift=None):
    drift = drift or Drift()
    return (
        LinearPath(drift)
        if kind == "linear"
        else VariancePreservingPath(alphas_cumprod, kind, drift)
    )


def perfect_output(kind, data, z, t):
    """What a perfectly trained network returns: the mean of its target given z."""
    v = data.velocity(z, t)
    x, e = z + (1 - t) * v, z - t * v
    a, s = (part / (t**2 + (1 - t) ** 2) ** 0.5 for part in (t, 1 - t))
    return {"linear": -v, "epsilon": e, "v_prediction": a * e - s * x}[kind]


@pytest.mark.parametrize("drift", [Drift(), Drift((0.5, -0.3, 0.1)), Drift(0.7, "field")])
@pytest.mark.parametrize("kind", PATHS)
def test_a_training_example_lies_on_the_path_and_its_target_is_the_velocity(
    kind, drift, alphas_cumprod
):
    """To 1e-12 in float64, for each row's own time."""
    path = make_path(kind, alphas_cumprod, drift)
    generator = torch.Generator().manual_seed(0)
    x, noise = torch.randn(2, 4, 3, 5, 5, generator=generator, dtype=torch.float64)
    t = torch.tensor([path.t_min, 0.3, 0.8, 1.0], dtype=torch.float64)
    sample = path.sample(x, noise, t)
    e = drift.shift_noise(noise)
    row_t = t.reshape(4, 1, 1, 1)
    assert torch.equal(sample.t, t)
    torch.testing.assert_close(sample.z, row_t * x + (1 - row_t) * e, atol=1e-12, rtol=0)
    for row in range(4):
        if kind == "epsilon" and t[row] == 0:
            continue
        v = path.velocity(sample.target[row], sample.z[row], t[row].item())
        torch.testing.assert_close(v, x[row] - e[row], atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", PATHS)
def test_a_perfect_network_gives_the_exact_velocity_and_samples(
    kind, alphas_cumprod, gaussian, points
):
    """From the prior at t_min to data N(0.4, 0.5^2), Heun with 300 steps: 2e-4."""
    path, data = make_path(kind, alphas_cumprod), gaussian(0.4, 0.5)

    def field(z, t):
        return path.velocity(perfect_output(kind, data, z, t), z, t)

    torch.testing.assert_close(field(points, 0.3), data.velocity(points, 0.3), atol=1e-12, rtol=0)
    z = path.prior(points)
    end = integrate(field, z, uniform_grid(300, path.t_min, 1.0), "heun")
    torch.testing.assert_close(end, data.flow(z, path.t_min, 1.0), atol=2e-4, rtol=0)


@pytest.mark.parametrize("kind", PATHS)
def test_times_one_a_row_equal_times_one_by_one(kind, alphas_cumprod):
    path = make_path(kind, alphas_cumprod)
    t = torch.tensor([0.1, 0.5, 0.97], dtype=torch.float64)
    z = torch.randn(3, 2, 4, 4, dtype=torch.float64)
    rows = torch.stack([path.network_input(z[i], t[i].item()) for i in range(3)])
    torch.testing.assert_close(path.network_input(z, t), rows, atol=1e-14, rtol=0)
    timesteps = torch.tensor([path.timestep(v) for v in t.tolist()], dtype=torch.float64)
    torch.testing.assert_close(path.timestep(t).double(), timesteps, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", PATHS)
def test_training_keeps_float32(kind, alphas_cumprod):
    path = make_path(kind, alphas_cumprod, Drift(0.1))
    t = torch.tensor([0.2, 0.6], dtype=torch.float64)
    sample = path.sample(torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2), t)
    assert sample.z.dtype == sample.target.dtype == torch.float32
    assert path.network_input(sample.z, t).dtype == torch.float32


def test_the_linear_path_speaks_diffusers_flow_convention():
    path, z = LinearPath(), torch.randn(1, 2, 3, 3)
    assert path.t_min == 0.0
    assert [path.timestep(t) for t in (0.0, 0.25, 1.0)] == [1000.0, 750.0, 0.0]
    assert path.network_input(z, 0.3) is z
    assert torch.equal(path.velocity(z, z, 0.3), -z)
    x, e = torch.randn(2, 1, 2, 3, 3)
    assert torch.equal(path.sample(x, e, torch.tensor([0.5])).target, e - x)
