"""The network of the project's own encoder: a small residual network for 64 px.

Pre-activation residual blocks (He et al. 2016, arXiv:1603.05027) with group norm (Wu and He
2018), which keeps no running statistics. The stream between blocks is not normalised, so the
features know an image's brightness and contrast.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIZE = 64
WIDTHS = (16, 48, 96, 192)


class EncoderNetwork(nn.Module):
    """Four stages at 32, 16, 8 and 4 px; 1.1 M parameters with the usual widths.

    The features are the means over the positions of the last three stages, side by side, each
    shifted and scaled by a stored mean and spread (those of the training images, all image types
    weighing the same), so that all have about the same say in a distance.

    Args:
        widths: Channels of the four stages, multiples of 8.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 4, stride=2, padding=1)
        self.first = Block(widths[0])
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.blocks = nn.ModuleList(Block(width) for width in widths[1:])
        self.dimensions = sum(widths[1:])
        self.register_buffer("mean", torch.zeros(self.dimensions))
        self.register_buffer("spread", torch.ones(self.dimensions))

    def raw(self, x_BCHW: Tensor) -> Tensor:
        """Images (B, 3, 64, 64) in [-1, 1] -> features (B, D) before shift and scale."""
        x = self.first(self.stem(x_BCHW))
        levels = []
        for down, block in zip(self.down, self.blocks, strict=True):
            x = block(down(F.silu(x)))
            levels.append(F.silu(x).mean(dim=(2, 3)))
        return torch.cat(levels, dim=1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Images (B, 3, 64, 64) in [-1, 1] -> features (B, D)."""
        return (self.raw(x_BCHW) - self.mean) / self.spread


class Block(nn.Module):
    """A residual block of two 3 × 3 convolutions; keeps channels, height and width.

    Args:
        width: Channels, a multiple of 8.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        out: Tensor = x_BCHW + self.body(x_BCHW)
        return out
