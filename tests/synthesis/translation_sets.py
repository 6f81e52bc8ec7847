"""Small datasets to translate: two domains, 8 and 16 bits, masks, boxes, groups and splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tiny_translators import smooth_images

from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import ImageSpec, spec_8bit
from synthmed.imaging.writing import write_mask, write_png

DEEP = ImageSpec(1, 16, 2047.5, 1023.5, "HU", "DICOM", spacing=(0.7, 0.8), window=(-160.0, 240.0))


def grey(number: int, height: int = 24, width: int = 20) -> Any:
    """A smooth image (1, height, width) with texture that the tiny model cannot keep."""
    size = max(height, width)
    image = smooth_images(1, 1, size, seed=number)[0, :, :height, :width].numpy()
    rng = np.random.default_rng(number)
    return np.clip(image + rng.normal(0, 0.05, image.shape), -1, 1).astype(np.float32)


def small_set(out: Path, *, domains: bool = True) -> Path:
    """Seven rows: five renders (the fifth with 16 bits), two of site a; train, val and test."""
    writer = DatasetWriter(out, spec_8bit(1, "PNG"), {"licences": ["CC0-1.0"]})
    for number in range(7):
        name = f"images/{number:03d}.png"
        split = ("train", "train", "val", "test", "train", "train", "val")[number]
        row = Row(Path(name), name, split, f"made:p{number // 2}", image_type="chest X-ray")
        row.labels = ("pneumonia",) if number % 2 else ("no finding",)
        row.view, row.sex, row.age = "PA", "F", 40.0 + number
        row.extra = {"device": f"scanner {number}"}
        if domains:
            row.domain = "render" if number < 5 else "site a"
        if number in (0, 2):
            mask = out.parent / f"mask-{number}.png"
            write_mask(mask, (grey(number)[0] > 0).astype(np.uint8))
            row.mask_file = mask
            row.boxes = [{"label": "lung", "bbox": [2.0, 3.0, 8.0, 9.0]}]
        deep = number == 4
        writer.add(row, grey(number), spec=DEEP if deep else None)
    writer.finish()
    return out


def files_folder(out: Path) -> Path:
    """Image files without a table: two good ones, a colour one, broken ones, and a note."""
    write_png(out / "a.png", grey(1))
    write_png(out / "deeper" / "b x.png", grey(2, 30, 40), bits=16)
    write_png(out / "colour.png", np.stack([grey(3)[0], grey(4)[0], grey(5)[0]]))
    write_png(out / "three-equal.png", np.repeat(grey(6), 3, axis=0))
    (out / "torn.png").write_bytes((out / "a.png").read_bytes()[:200])
    (out / "empty.dcm").write_bytes(b"")
    (out / "notes.txt").write_text("not an image")
    (out / ".hidden.png").write_bytes(b"")
    return out
