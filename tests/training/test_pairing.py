from __future__ import annotations

import math
from itertools import permutations

import pytest
import torch
from torch import Tensor

from synthmed.training.pairing import key_numbers, paired_noise


def draw(seed: int, count: int, side: int = 2) -> tuple[Tensor, Tensor]:
    """Latents and noise, (count, 3, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    x, noise = (torch.randn(count, 3, side, side, generator=generator) for _ in range(2))
    return 2 * x + 1, noise


def cost_of(x: Tensor, noise: Tensor) -> float:
    return float(((x - noise).double() ** 2).sum())


def places(before: Tensor, after: Tensor) -> list[int]:
    """Where each noise came from; fails unless it is a permutation."""
    equal = (after[:, None] == before[None]).flatten(2).all(dim=2)
    assert equal.sum(dim=1).tolist() == [1] * len(before)
    assert equal.sum(dim=0).tolist() == [1] * len(before)
    return [int(row.nonzero()) for row in equal]


@pytest.mark.parametrize("seed", range(5))
def test_the_pairing_is_the_best_of_all_permutations(seed: int) -> None:
    x, noise = draw(seed, 6)
    found = paired_noise(x, noise, torch.zeros(6, dtype=torch.long))
    least = min(cost_of(x, noise[list(order)]) for order in permutations(range(6)))
    assert cost_of(x, found) == pytest.approx(least, rel=1e-9)
    assert math.isfinite(least)


@pytest.mark.parametrize("seed", range(10))
def test_noise_moves_within_its_key_and_the_cost_never_rises(seed: int) -> None:
    x, noise = draw(seed, 32, 8)
    keys = torch.randint(4, (32,), generator=torch.Generator().manual_seed(seed))
    kept = x.clone(), noise.clone()
    found = paired_noise(x, noise, keys)
    assert torch.equal(x, kept[0])
    assert torch.equal(noise, kept[1])  # nothing is changed in place
    assert keys[places(noise, found)].tolist() == keys.tolist()
    for key in range(4):
        assert cost_of(x[keys == key], found[keys == key]) <= cost_of(
            x[keys == key], noise[keys == key]
        )
    assert cost_of(x, found) < cost_of(x, noise)


def test_a_latent_alone_in_its_key_keeps_its_noise() -> None:
    x, noise = draw(0, 5)
    assert torch.equal(paired_noise(x, noise, torch.arange(5)), noise)


def test_what_is_best_already_stays() -> None:
    x, noise = draw(0, 8)
    keys = torch.zeros(8, dtype=torch.long)
    found = paired_noise(x, noise, keys)
    assert torch.equal(paired_noise(x, found, keys), found)


def noise_mean(within: bool) -> float:
    """Mean noise of a domain whose latents lie far to one side, over 200 batches."""
    total = []
    for seed in range(200):
        x, noise = draw(seed, 8)
        domain = torch.arange(8) % 2
        x = x + 6 * (2 * domain - 1)[:, None, None, None]
        keys = domain if within else torch.zeros(8, dtype=torch.long)
        total.append(paired_noise(x, noise, keys)[domain == 1])
    return float(torch.cat(total).mean())


def test_given_the_domain_the_noise_stays_standard_normal() -> None:
    assert abs(noise_mean(within=True)) < 0.04  # sd 1 / sqrt(9600) = .01
    assert noise_mean(within=False) > 0.1  # the control: pairing over the whole batch skews it


def test_equal_keys_have_equal_numbers() -> None:
    assert key_numbers(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
