"""Renders of the one chest CT for `translate`: poses, exposures, projected lung masks.

Training poses differ from exposure to exposure, so that no pair of images shows the same pose.
Validation and test poses are the same for all exposures, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.imaging.frame import Frame
from synthmed.imaging.writing import write_png
from synthmed.xray.ct import CT, read_ct
from synthmed.xray.exposure import EXPOSURES
from synthmed.xray.scene import PoseRanges, Scene, draw_scene
from synthmed.xray.simulate import Render, simulate
from synthmed.xray.table import without_table

PREFIX = "render-"
SETTINGS = ("standard", "low-dose", "scatter", "soft")
RENDERED = tuple(PREFIX + name for name in SETTINGS)
"""Domains of the renders: four exposures of `synthmed.xray.exposure.EXPOSURES`."""
SIDE, SIZE = 128, 64
"""Sides in pixels: of the simulated detector, and of the framed images."""
BASE = Scene(view="PA", shift_mm=(0.0, 0.0, 8.0), detector_mm=(345.0, 345.0), size=(SIDE, SIDE))
RANGES = PoseRanges(
    angles_deg=(8.0, 5.0, 4.0),
    shift_mm=(12.0, 12.0, 12.0),
    field=(0.9, 1.05),
    deformation_mm=15.0,
    tissue={"soft": (0.9, 1.1), "bone": (0.9, 1.1), "lung": (0.7, 1.4)},
)
TRAIN_SEEDS, VAL_SEEDS, TEST_SEEDS = 100_000, 500_000, 600_000
TEST_SHARE = 2
"""Test poses for one validation pose."""
_LUNG_HU, _LUNG_ML = -500.0, 100.0
CONTRAST = {51: "heart", 52: "aorta"}
"""Organs full of contrast agent (median above 300 HU): without a name they would count as bone."""
MASK_MM = 50.0
"""Lung that a ray must cross to lie in the mask: about where radiologists outline it. At the usual
5 mm the lungs behind heart and diaphragm would be in it. Set by looking at renders, before any
segmenter was measured."""


@cache
def ct(shared: Path) -> CT:
    """The chest CT with its organ labels, without the scanner's table."""
    folder = shared / "chest-ct"
    labels = folder / "organs_2mm.nii.gz"
    volume = read_ct(folder / "chest_ct_2mm.nii.gz", labels=labels, names=CONTRAST)
    return replace(volume, hu_XYZ=without_table(volume.hu_XYZ, volume.affine))


def lung_labels(volume: CT) -> tuple[int, ...]:
    """Labels of the lobes: organs of more than 100 ml that hold air (below -500 HU on average).

    The set's numbering is not verified label by label, so the labels are told by what they hold.
    """
    if volume.labels_XYZ is None:
        return ()
    numbers = volume.labels_XYZ.ravel()
    counts = np.bincount(numbers)
    sums = np.bincount(numbers, weights=volume.hu_XYZ.ravel())
    millilitres = counts * abs(np.linalg.det(volume.affine[:3, :3])) / 1000.0
    means = sums / np.maximum(counts, 1)
    found = np.flatnonzero((means < _LUNG_HU) & (millilitres > _LUNG_ML))
    return tuple(int(label) for label in found if label > 0)


_LABELS: dict[str, tuple[int, ...]] = {}


def _lungs(volume: CT) -> tuple[int, ...]:
    """`lung_labels`, found once for each CT."""
    if volume.key not in _LABELS:
        _LABELS[volume.key] = lung_labels(volume)
    return _LABELS[volume.key]


def poses(train: int, held_out: int) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Split, seed and exposures of every pose."""
    for number, setting in enumerate(SETTINGS, start=1):
        for i in range(train):
            yield "train", number * TRAIN_SEEDS + i, (setting,)
    for split, first, count in (
        ("val", VAL_SEEDS, held_out),
        ("test", TEST_SEEDS, TEST_SHARE * held_out),
    ):
        for i in range(count):
            yield split, first + i, SETTINGS


def rendered(volume: CT, seed: int, settings: tuple[str, ...]) -> list[Render]:
    """One pose at some exposures, `(1, 128, 128)` each, with the lungs' masks."""
    labels = _lungs(volume)
    organs = {"lungs": labels} if labels else {}
    exposures = [EXPOSURES[name] for name in settings]
    scene = draw_scene(BASE, RANGES, seed)
    return simulate(volume, scene, exposures, seed, organs, mask_mm=MASK_MM)


def pose_rows(
    volume: CT, split: str, seed: int, settings: tuple[str, ...], masks: Path
) -> list[Row]:
    """The rows of one pose, one an exposure; their mask is that of the pose."""
    rows = [_row(split, seed, PREFIX + name, volume.key) for name in settings]
    file = masks / f"pose-{seed}.png"
    return [replace(row, mask_file=file) for row in rows] if _lungs(volume) else rows


def pose_images(
    volume: CT, seed: int, settings: tuple[str, ...], masks: Path
) -> list[npt.NDArray[np.float32]]:
    """Framed images `(1, 64, 64)` of one pose; the lungs' framed mask is written to a folder."""
    renders = rendered(volume, seed, settings)
    if "lungs" in renders[0].masks:
        mask = renders[0].masks["lungs"]
        frame = Frame.for_image(mask, SIZE)
        write_png(masks / f"pose-{seed}.png", np.where(frame.apply_mask(mask), 1.0, -1.0)[None])
    return [framed(render.image) for render in renders]


def framed(image: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """An image, grey and framed: `(1, 64, 64)`."""
    grey = image.mean(axis=0, keepdims=True, dtype=np.float32)
    return Frame.for_image(grey, SIZE).apply(grey)


def _row(split: str, seed: int, domain: str, group: str) -> Row:
    name = f"{domain}-{seed}.png"
    extra: dict[str, Any] = {"pose": f"pose {seed}"}
    return Row(
        Path(name),
        name,
        split,
        group,
        modality="X-ray",
        body_part="chest",
        domain=domain,
        image_type="chest X-ray",
        study_id=f"{domain}:{seed}",
        extra=extra,
    )
