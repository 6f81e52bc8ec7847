"""Euler's method on the variance-preserving path against diffusers' DDIM, on a random network."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler, UNet2DConditionModel

from synthmed.errors import SynthmedError
from synthmed.transport import (
    VariancePreservingPath,
    ddim_grid,
    ddim_steps,
    ddim_walk,
    integrate,
)
from synthmed.transport.ddim import ddim_timesteps

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
}
TOLERANCE = 1e-5  # of the largest value; float32
PREDICTIONS = ["epsilon", "v_prediction"]


@pytest.fixture(scope="module")
def network():
    """A random UNet2DConditionModel as a function of (z_vp, timestep), as in Stable Diffusion."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=8,
    ).eval()
    states = torch.randn(2, 5, 16)

    def call(z_vp, timestep):
        with torch.no_grad():
            # the random network hardly sees the time: make its labels matter
            return (1 + timestep / 1000) * unet(z_vp, timestep, states).sample

    return call


@pytest.fixture
def noise():
    return torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))


def scheduler_and_path(prediction, **config):
    scheduler = DDIMScheduler(**SCHEDULE, prediction_type=prediction, **config)
    return scheduler, VariancePreservingPath(scheduler.alphas_cumprod, prediction)


def field_of(path, network):
    return lambda z, t: path.velocity(network(path.network_input(z, t), path.timestep(t)), z, t)


def diffusers_ddim(scheduler, network, z_vp, n):
    scheduler.set_timesteps(n)
    for timestep in scheduler.timesteps:
        z_vp = scheduler.step(network(z_vp, timestep), timestep, z_vp).prev_sample
    return z_vp


def assert_same(ours, theirs):
    assert (ours - theirs).abs().max() < TOLERANCE * theirs.abs().max()


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("set_alpha_to_one", [True, False])
@pytest.mark.parametrize("steps_offset", [0, 1])
@pytest.mark.parametrize(
    ("spacing", "n"), [("leading", 10), ("leading", 7), ("trailing", 10), ("trailing", 8)]
)
def test_euler_on_the_grid_equals_ddim(
    spacing, n, steps_offset, set_alpha_to_one, prediction, network, noise
):
    options = {
        "timestep_spacing": spacing,
        "steps_offset": steps_offset,
        "set_alpha_to_one": set_alpha_to_one,
    }
    scheduler, path = scheduler_and_path(prediction, **options)
    grid = ddim_grid(path, n, spacing, steps_offset, set_alpha_to_one)
    z = integrate(field_of(path, network), path.from_vp(noise, grid[0].item()), grid)
    ours = path.to_vp(z, grid[-1].item())
    assert_same(ours, diffusers_ddim(scheduler, network, noise, n))


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("set_alpha_to_one", [True, False])
@pytest.mark.parametrize("steps_offset", [0, 1])
@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
def test_euler_steps_equal_ddim_where_they_do_not_join_too(
    spacing, steps_offset, set_alpha_to_one, prediction, network, noise
):
    options = {
        "timestep_spacing": spacing,
        "steps_offset": steps_offset,
        "set_alpha_to_one": set_alpha_to_one,
    }
    scheduler, path = scheduler_and_path(prediction, **options)
    steps = ddim_steps(path, 7, spacing, steps_offset, set_alpha_to_one)
    ours = ddim_walk(path, field_of(path, network), noise, steps)
    assert_same(ours, diffusers_ddim(scheduler, network, noise, 7))


def test_the_options_matter(network, noise):
    """The control: each wrong option, and linspace joined up, gives something clearly different."""
    scheduler, path = scheduler_and_path("epsilon", steps_offset=1, set_alpha_to_one=False)
    theirs = diffusers_ddim(scheduler, network, noise, 10)
    for wrong in (("leading", 0, False), ("leading", 1, True), ("trailing", 1, False)):
        ours = ddim_walk(path, field_of(path, network), noise, ddim_steps(path, 10, *wrong))
        assert (ours - theirs).abs().max() > 50 * TOLERANCE * theirs.abs().max()
    scheduler, path = scheduler_and_path("epsilon", timestep_spacing="linspace")
    theirs = diffusers_ddim(scheduler, network, noise, 10)
    grid = ddim_grid(path, 10, "linspace")
    z = integrate(field_of(path, network), path.from_vp(noise, grid[0].item()), grid)
    assert (z - theirs).abs().max() > 50 * TOLERANCE * theirs.abs().max()


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("set_alpha_to_one", [True, False])
@pytest.mark.parametrize(
    ("spacing", "steps_offset"), [("leading", 0), ("leading", 1), ("trailing", 0)]
)
def test_euler_backwards_with_the_destinations_labels_equals_the_inverse_scheduler(
    spacing, steps_offset, set_alpha_to_one, prediction, network, noise
):
    """diffusers labels an inversion step with its end; we label the point of evaluation."""
    options = {
        "timestep_spacing": spacing,
        "steps_offset": steps_offset,
        "set_alpha_to_one": set_alpha_to_one,
    }
    inverse = DDIMInverseScheduler(**SCHEDULE, prediction_type=prediction, **options)
    path = VariancePreservingPath(inverse.alphas_cumprod, prediction)
    theirs = diffusers_ddim(inverse, network, noise, 10)
    grid = ddim_grid(path, 10, spacing, steps_offset, set_alpha_to_one).flip(0)
    destination = dict(zip(grid[:-1].tolist(), grid[1:].tolist(), strict=True))
    z = path.from_vp(noise, grid[0].item())

    def labelled_by_destination(z, t):
        output = network(path.network_input(z, t), path.timestep(destination[t]))
        return path.velocity(output, z, t)

    ours = path.to_vp(integrate(labelled_by_destination, z, grid), grid[-1].item())
    if len(grid) < 11:  # diffusers' first step, of no length, changes nothing
        assert (spacing, steps_offset, set_alpha_to_one) == ("leading", 0, False)
    assert_same(ours, theirs)
    own = path.to_vp(integrate(field_of(path, network), z, grid), grid[-1].item())
    assert (own - theirs).abs().max() > 10 * TOLERANCE * theirs.abs().max()


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
def test_timesteps_equal_diffusers_for_every_number_of_steps(spacing):
    scheduler = DDIMScheduler(**SCHEDULE, timestep_spacing=spacing)
    for n in range(1, 1001):
        scheduler.set_timesteps(n)
        starts = [start for start, _ in ddim_timesteps(1000, n, spacing)]
        theirs = scheduler.timesteps.tolist()
        assert starts == theirs[:n], n
        # rounding gives diffusers an extra step at timestep -1 here and there (n = 61): not copied
        assert theirs[n:] in ([], [-1])


def test_the_inversion_of_ddim_converges_to_the_identity(network, noise):
    """Forwards and backwards with one's own labels: the error halves with the steps, to 20 %."""
    _, path = scheduler_and_path("v_prediction")
    errors = []
    for n in (50, 100):
        grid = ddim_grid(path, n, "trailing")
        z = path.from_vp(noise, grid[0].item())
        end = integrate(field_of(path, network), z, grid)
        back = integrate(field_of(path, network), end, grid.flip(0))
        errors.append((back - z).abs().max().item())
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "0 DDIM steps"),
        ((1001,), "between 1 and 1000"),
        ((1000, "leading", 1), "timestep 1000 of 1000"),
        ((10, "karras"), r"'karras'.*leading, trailing, linspace"),
        ((1, "linspace", 0, False), "more steps"),
    ],
)
def test_impossible_walks_are_refused(arguments, message):
    _, path = scheduler_and_path("epsilon")
    with pytest.raises(SynthmedError, match=message):
        ddim_grid(path, *arguments)
