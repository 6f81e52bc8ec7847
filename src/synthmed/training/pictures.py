"""Grids of images, for people to look at while a model trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor


def image_grid(x_BCHW: Tensor, columns: int, gap: int = 2) -> npt.NDArray[np.uint8]:
    """Lay images `(B, 1 or 3, H, W)` in [-1, 1] out in rows: grey levels `(3, height, width)`."""
    count, _, height, width = x_BCHW.shape
    rows = -(-count // columns)
    grid = torch.full((3, rows * (height + gap) - gap, columns * (width + gap) - gap), 1.0)
    for i, image in enumerate(x_BCHW.detach().cpu().float()):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        grid[:, top : top + height, left : left + width] = image
    levels = ((grid.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return np.asarray(levels.numpy())


def save_grid(x_BCHW: Tensor, columns: int, path: Path) -> None:
    """Write a grid as PNG, enlarged twice without smoothing."""
    grid = Image.fromarray(image_grid(x_BCHW, columns).transpose(1, 2, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    grid.resize((grid.width * 2, grid.height * 2), Image.Resampling.NEAREST).save(path)
