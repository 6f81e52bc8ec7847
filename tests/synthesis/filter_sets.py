"""Datasets for the tests of the filter: real images of two types, synthetic ones with faults."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from fake_generator import FakeGenerator

from synthmed.datasets import read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit
from synthmed.imaging.writing import write_png
from synthmed.synthesis.generate import generate
from synthmed.synthesis.prompts import Prompt

SIDE = 32
CHEST, SKIN = "chest X-ray", "dermatoscopy"
SPLITS = {"train": 24, "val": 12, "test": 2}


def image_of(kind: str, seed: int) -> npt.NDArray[np.float32]:
    """A chest of two dark discs on grey, or a dark spot on light skin; every seed another one."""
    rng = np.random.default_rng([seed, len(kind)])
    y, x = np.mgrid[:SIDE, :SIDE]
    coarse = np.kron(rng.normal(0, 0.15, (8, 8)), np.ones((4, 4)))

    def disc(cy: float, cx: float, radius: float) -> npt.NDArray[np.bool_]:
        return (y - cy - rng.uniform(-2, 2)) ** 2 + (x - cx - rng.uniform(-2, 2)) ** 2 < radius**2

    if kind == CHEST:
        grey = 0.3 + coarse
        grey[disc(16, 9, 6) | disc(16, 23, 6)] -= 0.9
        return np.clip(grey[None], -1, 1).astype(np.float32)
    skin = np.array([0.7, 0.3, 0.2])[:, None, None] + coarse
    skin[:, disc(16, 16, rng.uniform(5, 9))] -= 0.9
    return np.clip(skin, -1, 1).astype(np.float32)


def write_set(out: Path, images: list[tuple[Row, npt.NDArray[Any]]], **info: Any) -> Path:
    """Write a finished dataset folder."""
    writer = DatasetWriter(out, spec_8bit(3, "PNG"), info)
    for row, image in images:
        writer.add(row, image)
    writer.finish()
    return out


def real_set(out: Path, kinds: tuple[str, ...] = (CHEST, SKIN)) -> Path:
    """24 training, 12 validation and 2 test images of each type, one a patient."""
    images = []
    for kind in kinds:
        number = 0
        for split, count in SPLITS.items():
            for _ in range(count):
                name = f"{kind[:4]}{number:03d}.png"
                row = Row(Path(name), name, split, f"made:{kind[:4]}{number}", image_type=kind)
                images.append((row, image_of(kind, number)))
                number += 1
    return write_set(out, images)


def synthetic_row(name: str, kind: str, **cells: Any) -> Row:
    """A row of a synthetic image."""
    row = Row(Path(name), name, "train", f"synthetic:{name}-0", image_type=kind, **cells)
    row.extra = {"synthetic": True, "prompt": kind, "seed": 1}
    return row


def generated(out: Path, model: FakeGenerator | None = None, count: int = 6) -> Path:
    """A dataset that `generate` made with the fake generator: two prompts, `count` images each."""
    prompts = [
        Prompt("chest X-ray, no finding", count, id="a"),
        Prompt("dermatoscopy, melanoma", count, guidance=3.0, negative="chest X-ray"),
    ]
    generate(model or FakeGenerator(), prompts, out, batch_size=4, seed=7, progress=False)  # type: ignore[arg-type]
    return out


def blank_out(dataset: Path, *indices: int) -> list[str]:
    """Paint images of a dataset grey; gives their names."""
    rows = read_dataset(dataset).rows
    for index in indices:
        write_png(rows[index].file, np.zeros((1, 16, 16), np.float32))
    return [f"{rows[index].split}/{rows[index].file_name}" for index in indices]


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
