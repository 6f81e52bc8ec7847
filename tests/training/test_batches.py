from __future__ import annotations

import pytest
import torch

from synthmed.training.batches import BalancedBatches

TYPES = ["common"] * 900 + ["rare"] * 100


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    one, other = (BalancedBatches(TYPES, 32, 0.5, seed=3) for _ in range(2))
    for step in (5, 0, 5, 1000):  # in any order
        rows, draw = one.draw(step)
        again, draw_again = other.draw(step)
        assert torch.equal(rows, again)
        assert torch.equal(torch.rand(4, generator=draw), torch.rand(4, generator=draw_again))
    assert not torch.equal(one.draw(0)[0], one.draw(1)[0])
    assert not torch.equal(one.draw(0)[0], BalancedBatches(TYPES, 32, 0.5, seed=4).draw(0)[0])


def test_the_global_generator_plays_no_part() -> None:
    batches = BalancedBatches(TYPES, 32, 0.5, seed=3)
    torch.manual_seed(1)
    before, state = batches.draw(7)[0], torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(batches.draw(7)[0], before)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("power", "rare"), [(0.0, 0.5), (0.5, 0.25), (1.0, 0.1)])
def test_the_power_sets_the_shares_of_the_types(power: float, rare: float) -> None:
    # n**power: 900 and 100 images give shares 1:1, 30:10 and 900:100.
    batches = BalancedBatches(TYPES, 500, power, seed=0)
    rows = torch.cat([batches.draw(step)[0] for step in range(40)])  # sd of the share: .0035
    assert float((rows >= 900).float().mean()) == pytest.approx(rare, abs=0.015)
    counts = torch.bincount(rows, minlength=1000)[900:]
    assert counts.min() > 0  # rows of a type are drawn evenly, none is left out
