"""Dataset folders of real and synthetic images that the tests make."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit


def picture(rng, size=32):
    """A grey image (1, S, S) of a bright disc at a random place, with noise."""
    y, x = np.mgrid[:size, :size]
    cy, cx, radius = *rng.uniform(8, size - 8, 2), rng.uniform(3, 8)
    image = np.where((y - cy) ** 2 + (x - cx) ** 2 < radius**2, 0.6, -0.6)
    return np.clip(image + rng.normal(0, 0.1, image.shape), -1, 1)[None].astype(np.float32)


def write_folder(
    out: Path, count=24, *, seed=0, split="test", prefix="a", synthetic=False, info=None, **columns
):
    """A dataset folder; each column is one value, or a function of the row's number."""
    writer = DatasetWriter(out, spec_8bit(1, "PNG"), info or {})
    rng = np.random.default_rng(seed)
    for i in range(count):
        row = Row(Path(), f"{prefix}{i:03d}.png", split, f"{prefix}:p{i // 2:03d}")
        row.image_type, row.modality = "chest X-ray", "X-ray"
        for name, value in columns.items():
            setattr(row, name, value(i) if callable(value) else value)
        if synthetic:
            row.extra = {"synthetic": True, "prompt": "chest X-ray", "seed": i}
        writer.add(row, picture(rng))
    writer.finish()
    return out
