"""Two views of each training image: one as it is, one cropped; known damage is added to some."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from synthmed.training.augment import SAFE, augment

BLUR_KERNEL = (0.0545, 0.2442, 0.4026, 0.2442, 0.0545)
"""Gaussian of standard deviation 1 pixel, five taps."""
NOISE = 0.15
"""Standard deviation of the strongest noise, of a range of 2."""


def safe(x_BCHW: Tensor, kinds: Sequence[str], draw: Generator) -> Tensor:
    """Turn and mirror each image as its type allows (synthmed.training.augment.SAFE)."""
    return torch.stack(
        [augment(x, SAFE.get(kind, ("flip",)), draw) for x, kind in zip(x_BCHW, kinds, strict=True)]
    )


def crop(x_BCHW: Tensor, size: int, draw: Generator) -> Tensor:
    """A turned (up to 10 degrees) and shifted square of 60 to 100 % of each image's side."""
    n = len(x_BCHW)
    uniform = torch.rand(4, n, generator=draw)
    side = 0.6 + 0.4 * uniform[0]
    angle = (uniform[1] - 0.5) * 0.35
    shift = (uniform[2:] * 2 - 1) * (1 - side)
    cos, sin = torch.cos(angle) * side, torch.sin(angle) * side
    theta = torch.stack(
        [torch.stack([cos, -sin, shift[0]], 1), torch.stack([sin, cos, shift[1]], 1)], 1
    )
    grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False)
    return F.grid_sample(x_BCHW, grid, padding_mode="border", align_corners=False)


def tones(x_BCHW: Tensor, draw: Generator) -> Tensor:
    """Change brightness, contrast and, where there is colour, its balance."""
    n = len(x_BCHW)
    unit = (x_BCHW + 1) / 2
    gamma = torch.exp(0.7 * (torch.rand(n, 1, 1, 1, generator=draw) - 0.5))
    gain = 0.7 + 0.6 * torch.rand(n, 1, 1, 1, generator=draw)
    offset = 0.2 * (torch.rand(n, 1, 1, 1, generator=draw) - 0.5)
    tint = 1 + 0.2 * (torch.rand(n, 3, 1, 1, generator=draw) - 0.5)
    grey = (unit - unit.mean(dim=1, keepdim=True)).abs().amax(dim=(1, 2, 3), keepdim=True) < 0.01
    tint = torch.where(grey, torch.ones_like(tint), tint)
    return (unit.clamp(0, 1) ** gamma * gain * tint + offset).clamp(0, 1) * 2 - 1


def damage(x_BCHW: Tensor, share: float, draw: Generator) -> tuple[Tensor, Tensor]:
    """Blur and add noise to a share of the images.

    Returns:
        The images, and (B, 2) how strong blur and noise are, 0 to 1.
    """
    n = len(x_BCHW)
    amount = torch.rand(n, 2, generator=draw)
    amount = amount * (torch.rand(n, 2, generator=draw) < share)
    blur, noise = amount[:, 0].view(-1, 1, 1, 1), amount[:, 1].view(-1, 1, 1, 1)
    grey = (x_BCHW - x_BCHW.mean(dim=1, keepdim=True)).abs().amax(dim=(1, 2, 3)) < 0.01
    grain = torch.randn(x_BCHW.shape, generator=draw)
    grain = torch.where(grey.view(-1, 1, 1, 1), grain[:, :1].expand_as(grain), grain)
    damaged = (1 - blur) * x_BCHW + blur * blurred(x_BCHW) + NOISE * noise * grain
    return damaged.clamp(-1, 1), amount


def blurred(x_BCHW: Tensor) -> Tensor:
    """Blur by a Gaussian of 1 pixel."""
    kernel = torch.tensor(BLUR_KERNEL)
    channels = x_BCHW.shape[1]
    across = kernel.view(1, 1, 1, 5).repeat(channels, 1, 1, 1)
    x = F.pad(x_BCHW, (2, 2, 2, 2), mode="replicate")
    x = F.conv2d(x, across, groups=channels)
    return F.conv2d(x, across.transpose(2, 3), groups=channels)
