from __future__ import annotations

import math

import pytest
import torch

from synthmed.errors import SynthmedError
from synthmed.transport import VariancePreservingPath


def test_times_of_stable_diffusion(alphas_cumprod):
    """t = a / (a + s) at every timestep to 1e-15; t_min = 0.064, std of the prior 0.94."""
    path = VariancePreservingPath(alphas_cumprod)
    a, s = alphas_cumprod.sqrt(), (1 - alphas_cumprod).sqrt()
    times = torch.tensor([path.t_of_timestep(k) for k in range(1000)], dtype=torch.float64)
    torch.testing.assert_close(times, a / (a + s), atol=1e-15, rtol=0)
    assert path.t_min == path.t_of_timestep(999)
    assert path.t_min == pytest.approx(0.064, abs=5e-4)
    assert path.prior(torch.ones(1, 1, 1, 1)).item() == pytest.approx(0.938, abs=5e-4)


def test_timesteps_are_exact_at_the_schedules_own_times(alphas_cumprod):
    path = VariancePreservingPath(alphas_cumprod)
    assert [path.timestep(path.t_of_timestep(k)) for k in range(1000)] == list(range(1000))
    times = torch.tensor([path.t_of_timestep(k) for k in range(1000)], dtype=torch.float64)
    assert torch.equal(path.timestep(times), torch.arange(1000.0))


def test_timesteps_between_are_interpolated_in_log_noise(alphas_cumprod):
    """The geometric mean of two values of s / a lies half-way between their labels; to 1e-9."""
    path = VariancePreservingPath(alphas_cumprod)
    ratio = ((1 - alphas_cumprod) / alphas_cumprod).sqrt()
    for k in (0, 1, 500, 998):
        middle = math.sqrt(ratio[k] * ratio[k + 1])
        assert path.timestep(1 / (1 + middle)) == pytest.approx(k + 0.5, abs=1e-9)


def test_timesteps_stay_within_the_schedule_and_fall_with_time(alphas_cumprod):
    path = VariancePreservingPath(alphas_cumprod)
    labels = [path.timestep(t / 500) for t in range(501)]
    assert labels[0] == 999.0
    assert labels[-1] == 0.0
    assert labels == sorted(labels, reverse=True)


@pytest.mark.parametrize("t", [0.064, 0.3, 0.9, 1.0])
def test_to_vp_is_the_variance_preserving_point_and_from_vp_its_inverse(t, alphas_cumprod):
    """z_vp = a x + s e with a^2 + s^2 = 1 and a : s = t : 1 - t; to 1e-14."""
    path = VariancePreservingPath(alphas_cumprod)
    x, e = torch.randn(2, 1, 2, 3, 3, dtype=torch.float64)
    a, s = t / math.hypot(t, 1 - t), (1 - t) / math.hypot(t, 1 - t)
    z_vp = path.to_vp(t * x + (1 - t) * e, t)
    torch.testing.assert_close(z_vp, a * x + s * e, atol=1e-14, rtol=0)
    torch.testing.assert_close(path.from_vp(z_vp, t), t * x + (1 - t) * e, atol=1e-14, rtol=0)


def test_targets_are_those_of_the_literature(alphas_cumprod):
    """The noise, or a e - s x, at timestep 300; to 1e-14. The network sees a x + s e."""
    a, s = alphas_cumprod[300].sqrt(), (1 - alphas_cumprod[300]).sqrt()
    x, e = torch.randn(2, 1, 2, 3, 3, dtype=torch.float64)
    for kind, target in (("epsilon", e), ("v_prediction", a * e - s * x)):
        path = VariancePreservingPath(alphas_cumprod, kind)
        t = torch.tensor([path.t_of_timestep(300)], dtype=torch.float64)
        sample = path.sample(x, e, t)
        torch.testing.assert_close(sample.target, target, atol=1e-14, rtol=0)
        seen = path.network_input(sample.z, t)
        torch.testing.assert_close(seen, a * x + s * e, atol=1e-14, rtol=0)


def test_zero_terminal_snr(alphas_cumprod):
    """With v-prediction the path starts at t = 0, and every label is exact; epsilon is refused."""
    alphas = alphas_cumprod.clone()
    alphas[-1] = 0.0
    path = VariancePreservingPath(alphas, "v_prediction")
    assert path.t_min == 0.0
    assert [path.timestep(path.t_of_timestep(k)) for k in range(1000)] == list(range(1000))
    noise = torch.randn(1, 2, 3, 3)
    assert torch.equal(path.prior(noise), noise)
    with pytest.raises(SynthmedError, match="must use v_prediction"):
        VariancePreservingPath(alphas)


def test_impossible_schedules_and_predictions_are_refused(alphas_cumprod):
    with pytest.raises(SynthmedError, match="does not fall"):
        VariancePreservingPath(alphas_cumprod.flip(0))
    with pytest.raises(SynthmedError, match=r"'sample'.*epsilon, v_prediction"):
        VariancePreservingPath(alphas_cumprod, "sample")
