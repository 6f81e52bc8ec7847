"""A dataset folder made for the tests of validation: 30 images that are all different."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Cells = dict[str, Any]


def picture(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    """A grey image of smooth structure; every seed gives another one."""
    coarse = np.random.default_rng(seed).integers(0, 255, (12, 10), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def write(root: Path, edit: Callable[[str, list[Cells]], list[Cells]] | None = None) -> Path:
    """Write a clean folder of 20 train, 6 val and 4 test images; `edit` changes a split's rows."""
    number = 0
    for split, count in (("train", 20), ("val", 6), ("test", 4)):
        (root / split).mkdir(parents=True)
        rows = []
        for index in range(count):
            name = f"{split}{index}.png"
            picture(number).save(root / split / name)
            label = ("Effusion", "No Finding")[index % 2]
            text = ("chest X-ray with pleural effusion", "chest X-ray, lungs are clear")[index % 2]
            row: Cells = {"file_name": name, "group_id": f"h:{split}{index}", "labels": [label]}
            rows.append(row | {"text": text, "image_type": "chest X-ray", "modality": "X-ray"})
            number += 1
        rows = edit(split, rows) if edit else rows
        (root / split / "metadata.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return root


def set_cell(split: str, index: int, **cells: Any) -> Callable[[str, list[Cells]], list[Cells]]:
    """An edit that changes cells of one row."""

    def edit(of: str, rows: list[Cells]) -> list[Cells]:
        if of == split:
            rows[index] |= cells
        return rows

    return edit
