"""Sources of two domains with a finding and a mask, and edits of them, good and bad ones."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.datasets.rows import Row
from synthmed.evaluation.sides import Side
from synthmed.imaging.writing import write_mask

SIZE = 32


def patient(number: int, domain: str) -> Any:
    """A picture (1, 32, 32) of one patient: an own pattern; every other one has a bright spot."""
    rng = np.random.default_rng([3, number])
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.zeros((SIZE, SIZE))
    for _ in range(3):
        cy, cx, radius = *rng.uniform(4, SIZE - 4, 2), rng.uniform(2, 4)
        image -= 0.25 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * radius**2))
    if number % 2:
        image[spot(number)] += 0.8
    image += rng.normal(0, 0.03, image.shape)
    scale, shift = (0.8, 0.1) if domain == "b" else (1.0, 0.0)
    return np.clip(image * scale + shift, -1, 1)[None].astype(np.float32)


def spot(number: int) -> Any:
    """Where the finding of a patient is."""
    rng = np.random.default_rng([4, number])
    y, x = np.mgrid[:SIZE, :SIZE]
    cy, cx = rng.uniform(14, 18, 2)
    return (y - cy) ** 2 + (x - cx) ** 2 <= 12


def real_side(folder: Path | None = None, count: int = 80, *, domains: str = "ab") -> Side:
    """Real images, every other one of each domain; masks of the finding where there is a folder."""
    which = [domains[(i // 2) % len(domains)] for i in range(count)]
    side = _side("real", np.stack([patient(i, domain) for i, domain in enumerate(which)]))
    for i, row in enumerate(side.rows):
        row.group_id, row.domain = f"real:p{i}", which[i]
        row.labels = ("spot",) if i % 2 else ("no finding",)
    if folder is not None:
        for i, row in enumerate(side.rows):
            if i % 2:
                row.mask_file = folder / f"{i}.png"
                write_mask(row.mask_file, spot(i).astype(np.uint8) * 255)
    return side


def edited_side(real: Side, images: Any = None, *, source: str = "a", target: str = "b") -> Side:
    """Edits of the sources of one domain, as translate writes them; exact ones by default."""
    numbers = [i for i, row in enumerate(real.rows) if row.domain == source]
    if images is None:
        images = np.stack([patient(int(real.rows[i].file.stem[5:]), target) for i in numbers])
    made = _side("synthetic", np.asarray(images, dtype=np.float32))
    for row, i in zip(made.rows, numbers, strict=True):
        row.group_id, row.labels = real.rows[i].group_id, real.rows[i].labels
        row.domain = target
        row.extra = {"source_file": f"test/{real.rows[i].file_name}", "source_domain": source}
    return made


def _side(name: str, images: Any) -> Side:
    rows = [
        Row(Path(f"{name}_{i:04d}.png"), f"{name}_{i:04d}.png", "test", "")
        for i in range(len(images))
    ]
    for row in rows:
        row.image_type = "chest X-ray"
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    numbers = np.arange(len(rows))
    return Side(name, Path(name), tuple(rows), images, numbers, np.asarray(digests))
