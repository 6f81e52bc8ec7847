"""Made images of several domains, importable by tests and by the processes that they start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit

DOMAINS = {"high dose": 0.25, "low dose": -0.25, "tablet": 0.0}  # brightness of the background
SPLITS = ("train",) * 10 + ("val",) * 4 + ("test",) * 2
X_DIGISKULL = ("synthetic-low", "synthetic-high", "real-low", "real-normal", "real-exposure")


def picture(level: float, number: int, size: int) -> npt.NDArray[np.float32]:
    """A disc on a ground of a level, with noise: no two are equal. (1, size, size) in [-1, 1]."""
    draw = np.random.default_rng([number, round(100 * level) + 100])
    y, x = np.mgrid[:size, :size]
    cy, cx, radius = draw.uniform((0.3, 0.3, 0.1), (0.7, 0.7, 0.3))
    disc = (y / size - cy) ** 2 + (x / size - cx) ** 2 < radius**2
    image = np.where(disc, level + 0.5, level) + draw.normal(0, 0.05, (size, size))
    return np.clip(image, -1, 1).astype(np.float32)[None]


def write_domains(out: Path, size: int = 32) -> Path:
    """A dataset folder of three domains, 16 chest X-rays each: 10 train, 4 val, 2 test.

    Every image is a patient. Of "high dose" every second image has "opacity", of the others every
    fifth. The column `device` repeats the domain; `text` is blank.
    """
    writer = DatasetWriter(out, spec_8bit(1, "PNG"), {"licences": ["CC0-1.0"]})
    for domain, level in DOMAINS.items():
        for number, split in enumerate(SPLITS):
            name = f"images/{domain.replace(' ', '-')}-{number:02d}.png"
            row = Row(Path(name), name, split, f"{domain}:p{number:02d}", domain=domain)
            row.modality, row.body_part, row.image_type = "X-ray", "chest", "chest X-ray"
            every = 2 if domain == "high dose" else 5
            row.labels = ("opacity",) if number % every == 0 else ("no finding",)
            row.view = "PA" if number % 3 else "AP"
            row.extra = {"device": domain}
            writer.add(row, picture(level, number, size))
    writer.finish()
    return out


def write_x_digiskull(root: Path, images: int = 14, size: int = 39) -> Path:
    """Five folders of square PNG images, as X-DigiSkull's but small."""
    for place, domain in enumerate(X_DIGISKULL):
        (root / domain).mkdir(parents=True)
        for number in range(images):
            image = picture(0.2 * place - 0.4, number, size)[0]
            levels = np.rint((image + 1) * 127.5).astype(np.uint8)
            Image.fromarray(levels).save(root / domain / f"frame_{number:04d}.png")
    return root
