from __future__ import annotations

import pytest
import torch
from tiny_runs import channels_last
from torch import nn

from synthmed.training.ema import Ema


def net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    module: nn.Module = channels_last(nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)))
    return module


def values(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_the_average_begins_at_the_weights() -> None:
    module = net()
    average = {key.removeprefix("net/"): v for key, v in Ema({"net": module}, 0.99).average.items()}
    assert equal(average, values(module))


def test_two_swaps_change_nothing() -> None:
    module = net()
    ema = Ema({"net": module}, 0.99)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1)
    weights, average = values(module), {k: v.clone() for k, v in ema.average.items()}
    ema.swap()
    assert equal(values(module), {k.removeprefix("net/"): v for k, v in average.items()})
    assert not equal(values(module), weights)
    ema.swap()
    assert equal(values(module), weights)
    assert equal(ema.average, average)


def test_the_decay_warms_up() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    ema = Ema({"net": module}, decay=0.5)
    nn.init.ones_(module.weight)
    expected = 0.0
    for step in range(20):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay)
        ema.update(step)
        assert float(ema.average["net/weight"]) == pytest.approx(expected, rel=1e-6)
    assert min((1 + s) / (10 + s) for s in range(8, 20)) >= 0.5  # the decay was reached
    assert (1 + 0) / (10 + 0) == 0.1  # and began lower


def test_counters_are_copied_not_averaged() -> None:
    module = net()
    ema = Ema({"net": module}, 0.99)
    module(torch.randn(2, 3, 4, 4))
    ema.update(1000)
    assert int(ema.average["net/1.num_batches_tracked"]) == 1


def test_a_saved_average_is_taken_over() -> None:
    module = net(1)
    ema = Ema({"net": module}, 0.99)
    other = Ema({"net": net(2)}, 0.99)
    ema.load({k: v.contiguous() for k, v in other.average.items()})
    assert equal(ema.average, other.average)
    assert ema.average["net/0.weight"].is_contiguous(memory_format=torch.channels_last)
