"""Inception-v3 as the usual Fréchet distance has it, up to its 2048 pooled features.

Its layers are the table of `inception_blocks`; images are resized as TensorFlow 1 did, which the
weights' first users relied on (Heusel et al. 2017, arXiv:1706.08500).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthmed.measures.extractors.inception_blocks import BLOCKS, STEM, Steps, Unit

SIDE, FEATURES = 299, 2048
POOLS: dict[str, Callable[[Tensor], Tensor]] = {
    "halve": lambda x: F.max_pool2d(x, 3, stride=2),
    "mean": lambda x: F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False),
    "maximum": lambda x: F.max_pool2d(x, 3, stride=1, padding=1),
}


class Convolution(nn.Module):
    """The layers of a unit.

    Args:
        inputs: Channels that it is given.
        unit: The unit.
    """

    def __init__(self, inputs: int, unit: Unit) -> None:
        super().__init__()
        keep = unit.padded and unit.stride == 1
        padding = (unit.kernel[0] // 2, unit.kernel[1] // 2) if keep else (0, 0)
        self.conv = nn.Conv2d(
            inputs, unit.channels, unit.kernel, stride=unit.stride, padding=padding, bias=False
        )
        self.bn = nn.BatchNorm2d(unit.channels, eps=1e-3)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, channels, H', W')."""
        return F.relu(self.bn(self.conv(x_BCHW)))


class Chains(nn.Module):
    """Chains of steps side by side.

    Args:
        inputs: Channels that each is given.
        chains: The chains; their channels are joined in this order.
    """

    def __init__(self, inputs: int, *chains: Steps) -> None:
        super().__init__()
        self.chains, self.channels = chains, 0
        for steps in chains:
            width = inputs
            for units in (_units(step) for step in steps if not isinstance(step, str)):
                for unit in units:
                    self.add_module(unit.name, Convolution(width, unit))
                width = sum(unit.channels for unit in units)
            self.channels += width

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, channels, H', W')."""
        return torch.cat([self._run(x_BCHW, steps) for steps in self.chains], dim=1)

    def _run(self, x: Tensor, steps: Steps) -> Tensor:
        for step in steps:
            if isinstance(step, str):
                x = POOLS[step](x)
            else:
                found = [self.get_submodule(unit.name)(x) for unit in _units(step)]
                x = torch.cat(found, dim=1)
        return x


def _units(step: Unit | tuple[Unit, ...]) -> tuple[Unit, ...]:
    return (step,) if isinstance(step, Unit) else step


class InceptionNetwork(Chains):
    """Images of values 0 to 255 to 2048 features; 21.8 million parameters, drawn at random."""

    def __init__(self) -> None:
        super().__init__(3, STEM)
        width = self.channels
        for name, chains in BLOCKS.items():
            block = Chains(width, *chains)
            self.add_module(name, block)
            width = block.channels

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Images (B, 3, H, W), float32 from 0 to 255, to features (B, 2048).

        They are resized to 299 × 299 bilinearly, without antialiasing and with the first pixels
        of both grids in one place, as TensorFlow 1 did; then (x - 128) / 128.
        """
        rows, columns = (bilinear(int(side)).to(x_BCHW) for side in x_BCHW.shape[2:])
        x = super().forward((rows @ x_BCHW @ columns.T - 128.0) / 128.0)
        for name in BLOCKS:
            x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3))


def bilinear(source: int, target: int = SIDE) -> Tensor:
    """Weights (target, source), float32, of the pixels of a line in a resized one; rows sum to 1.

    New pixel i lies at i · source / target; it is mixed of the pixels on both sides of that
    place, the last one being repeated.

    Args:
        source: Pixels that there are.
        target: Pixels that are wanted.
    """
    place = torch.arange(target, dtype=torch.float32) * (source / target)
    low = place.long().clamp(max=source - 1)
    high = (low + 1).clamp(max=source - 1)
    weights, line = torch.zeros(target, source), torch.arange(target)
    weights.index_put_((line, low), 1.0 - (place - low), accumulate=True)
    weights.index_put_((line, high), place - low, accumulate=True)
    return weights
