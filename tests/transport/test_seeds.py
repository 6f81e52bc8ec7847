from __future__ import annotations

import torch

from synthmed.transport import batch_noise, noise, row_seed, step_generator


def test_seeds_are_stable_across_versions():
    """Frozen: changing them changes every dataset that was ever generated."""
    assert row_seed(0, "a") == 4203762460250899691
    assert row_seed(0, "a", 1) == 2461250975678530979
    assert row_seed(7, "Thoraxröntgen") == 1240678800126073541
    assert step_generator(1, 2, "noise").initial_seed() == 5897659173809013028
    expected = torch.tensor([-0.4868, -0.6038, -0.5581])
    torch.testing.assert_close(noise((3,), 5), expected, atol=1e-4, rtol=0)


def test_seeds_differ_in_every_part():
    seeds = {
        row_seed(run, key, copy)
        for run in range(20)
        for key in ("", "1", "11")
        for copy in range(9)
    }
    seeds |= {
        step_generator(run, step, p).initial_seed()
        for run in (0, 1)
        for step in (1, 11)
        for p in "ab"
    }
    assert len(seeds) == 20 * 3 * 9 + 8
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_parts_cannot_run_into_each_other():
    assert row_seed(1, "1", 1) != row_seed(1, "", 11)
    assert row_seed(1, '1",1') != row_seed(1, "1", 1)


def test_noise_of_an_image_does_not_depend_on_its_batch():
    seeds = [row_seed(3, key) for key in "abcde"]
    whole = batch_noise((4, 8, 8), seeds)
    assert whole.shape == (5, 4, 8, 8)
    assert whole.dtype == torch.float32
    assert whole.device.type == "cpu"
    assert torch.equal(batch_noise((4, 8, 8), seeds[::-1]).flip(0), whole)
    assert torch.equal(torch.cat([batch_noise((4, 8, 8), [s]) for s in seeds]), whole)


def test_noise_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    noise((4, 8, 8), 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_noise_is_float32_whatever_the_default_type():
    expected = noise((4,), 1)
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(noise((4,), 1), expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_noise_is_standard_normal():
    """Mean within 5 standard errors (0.02), variance within 5 (0.028)."""
    z = batch_noise((4, 16, 16), [row_seed(0, str(i)) for i in range(61)])
    assert abs(z.mean().item()) < 0.02
    assert abs(z.var().item() - 1) < 0.028


def test_step_generator_depends_on_nothing_but_its_arguments():
    first = torch.randn(9, generator=step_generator(5, 100, "t"))
    torch.randn(3)
    assert torch.equal(torch.randn(9, generator=step_generator(5, 100, "t")), first)
    assert not torch.equal(torch.randn(9, generator=step_generator(5, 101, "t")), first)
