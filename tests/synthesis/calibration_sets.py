"""Datasets of three domains that the tests of calibration make, and a generator for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_translators import DOMAINS, SIZE, card, translator

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit

LEVEL = {"render": -0.4, "site a": 0.1, "site b": 0.4}


def picture(rng: np.random.Generator, domain: str, size: int = SIZE) -> Any:
    """A grey image (1, S, S): a blob at a random place, brighter in some domains than in others."""
    y, x = np.mgrid[:size, :size]
    cy, cx = rng.uniform(5, size - 5, 2)
    blob = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 12)
    image = LEVEL[domain] + 0.5 * blob + rng.normal(0, 0.05, blob.shape)
    return np.clip(image, -1, 1)[None].astype(np.float32)


def write_domains(
    out: Path, count: dict[str, int] | None = None, split: str = "val", **changes: Any
) -> Path:
    """Write a dataset: so many images a domain, each of a patient of its own."""
    writer = DatasetWriter(out, spec_8bit(1, "PNG"), {"licences": ["CC0-1.0"]})
    for domain in DOMAINS:
        rng = np.random.default_rng([7, *domain.encode()])
        for number in range((count or {}).get(domain, 10)):
            name = f"{domain.replace(' ', '-')}-{number:02d}.png"
            row = Row(Path(name), name, split, f"{domain}:p{number:02d}")
            row.domain, row.image_type, row.labels = domain, "chest X-ray", ("pneumonia",)
            for column, value in changes.items():
                setattr(row, column, value(domain, number) if callable(value) else value)
            writer.add(row, picture(rng, domain))
    writer.finish()
    return out


def generator_folder(out: Path, trained: tuple[str, ...] = (), **more: Any) -> Path:
    """Save a tiny generator whose card says that it was trained on these groups."""
    torch.set_num_threads(1)
    rows = [Row(Path("x"), "x", "train", group) for group in trained]
    facts = card(training_groups=group_hashes(rows), licence="CC0-1.0", **more)
    return translator(card=facts).save(out)


def stored(model: Path) -> dict[str, Any]:
    """What the model's card says."""
    found: dict[str, Any] = json.loads((model / "synthmed.json").read_text(encoding="utf-8"))
    return found
