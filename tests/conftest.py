"""Fixtures that all tests share: the real sets beside the repository, and a small made one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit
from synthmed.imaging.writing import write_png

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
GROUPS_PER_TYPE = 12  # two images each; groups 0-7 train, 8-9 val, 10-11 test


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real image sets, or a skip where they are not beside the repository."""
    if not (SHARED_DATA / "README.md").is_file():
        pytest.skip("the real image sets are not at ../shared/data")
    return SHARED_DATA


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished dataset folder of 96 made images: four types, grey and RGB, 48 x 40 pixels.

    chest X-ray (grey; view, age, sex; labels "opacity" or "no finding"), breast ultrasound (grey;
    benign or malignant), blood smear microscopy (RGB; boxes), dermatoscopy (RGB; masks). Read only.
    """
    out = tmp_path_factory.mktemp("small") / "dataset"
    masks = tmp_path_factory.mktemp("masks")
    writer = DatasetWriter(out, spec_8bit(3, "PNG"), {"licences": ["CC0-1.0"]})
    makers = {"xray": _xray, "ultrasound": _ultrasound, "smear": _smear, "skin": _skin}
    for kind, maker in makers.items():
        for number in range(2 * GROUPS_PER_TYPE):
            group = number // 2
            rng = np.random.default_rng([number, *kind.encode()])
            split = "train" if group < 8 else "val" if group < 10 else "test"
            name = f"images/{kind}_{number:03d}.png"
            row = Row(Path(name), name, split, f"{kind}:p{group:02d}")
            image = maker(row, number, rng, masks / f"{kind}_{number:03d}.png")
            noise = rng.normal(0, 0.03, image.shape)
            writer.add(row, np.clip(image + noise, -1, 1).astype(np.float32))
    writer.finish()
    return out


def _disc(cy: float, cx: float, radius: float) -> npt.NDArray[np.bool_]:
    y, x = np.mgrid[:48, :40]
    return (y - cy) ** 2 + (x - cx) ** 2 < radius**2


def _xray(row: Row, number: int, rng: np.random.Generator, _: Path) -> npt.NDArray[np.float64]:
    row.modality, row.body_part, row.image_type = "X-ray", "chest", "chest X-ray"
    row.view, row.sex, row.age = "PA" if number % 3 else "AP", "FM"[number % 2], 30.0 + number
    image = np.full((1, 48, 40), 0.3)
    image[0, _disc(24, 11, 9) | _disc(24, 29, 9)] = -0.7
    row.labels = ("no finding",)
    if number % 4 == 0:
        row.labels = ("opacity",)
        image[0, _disc(20 + 8 * rng.random(), 11, 4)] = 0.5
    return image


def _ultrasound(
    row: Row, number: int, rng: np.random.Generator, _: Path
) -> npt.NDArray[np.float64]:
    row.modality, row.body_part, row.image_type = "ultrasound", "breast", "breast ultrasound"
    malignant = number % 2 == 1
    row.labels = ("malignant",) if malignant else ("benign",)
    image = rng.normal(-0.2, 0.2, (1, 48, 40))
    image[0, _disc(24, 20, 11 if malignant else 6)] = -0.9
    return image


def _smear(row: Row, number: int, rng: np.random.Generator, _: Path) -> npt.NDArray[np.float64]:
    row.modality, row.body_part = "microscopy", "blood smear"
    row.image_type = "blood smear microscopy"
    image = np.broadcast_to(np.array([0.8, 0.7, 0.7])[:, None, None], (3, 48, 40)).copy()
    for _cell in range(1 + number % 5):
        cy, cx = 8 + 32 * rng.random(), 8 + 24 * rng.random()
        image[:, _disc(cy, cx, 5)] = np.array([0.6, -0.1, -0.1])[:, None]
        row.boxes.append({"label": "RBC", "bbox": [cx - 5, cy - 5, 10.0, 10.0]})
    return image


def _skin(row: Row, number: int, rng: np.random.Generator, mask: Path) -> npt.NDArray[np.float64]:
    row.modality, row.image_type = "dermatoscopy", "dermatoscopy"
    row.labels = ("melanoma",) if number % 3 == 0 else ("melanocytic nevus",)
    row.sex, row.age = "MF"[number % 2], 25.0 + 2 * number
    image = np.broadcast_to(np.array([0.7, 0.3, 0.2])[:, None, None], (3, 48, 40)).copy()
    lesion = _disc(18 + 12 * rng.random(), 20, 7 + 4 * (number % 3 == 0))
    image[:, lesion] = np.array([-0.2, -0.5, -0.6])[:, None]
    write_png(mask, np.where(lesion, 1.0, -1.0)[None])
    row.mask_file = mask
    return image
