"""Lungs of table 3: outlined on real chest X-rays, and projected on renders."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.translate_segmenter import Masked, Masks
from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image, open_mask
from synthmed.measures.cross_fitting import deal_folds

if TYPE_CHECKING:
    from benchmarks.translate_frame import Bench

LUNGS = ("left_lung", "right_lung")
COLUMNS = {
    "image_type": {"const": "chest X-ray"},
    "group_id": {"template": "covid-cxr:{patient_id}"},
    "text": {"const": ""},
}


def masked_patients(folder: Path) -> frozenset[str]:
    """The `patient_id` of everybody with an outlined lung, as the table of the set writes it.

    They are tested, so no translator may learn from them, not even without their masks.

    Args:
        folder: The set `covid-cxr`.
    """
    with open(folder / "metadata.csv", newline="", encoding="utf-8") as stream:
        found = {
            row["patient_id"].strip()
            for row in csv.DictReader(stream)
            if set(LUNGS) & json.loads(row["masks"] or "{}").keys()
        }
    return frozenset(found)


def real_lungs(folder: Path, size: int, most: int | None = None) -> tuple[Masked, Masks]:
    """The real images on which both lungs are outlined; the mask is the union of both.

    An image with one lung outlined says nothing of the other, and is left out.

    Args:
        folder: The set `covid-cxr`.
        size: Side in pixels.
        most: Images at most, spread evenly; None takes all.

    Returns:
        The images with their lungs, and (N, size, size) where the image lies in its square: the
        padding beside it is no part of it, and is not judged.

    Raises:
        SynthmedError: No such image.
    """
    rows = [
        row for row in read_dataset(folder, columns=COLUMNS).rows if set(LUNGS) <= set(row.masks)
    ]
    if not rows:
        raise SynthmedError("no image has both lungs outlined", where=folder.name)
    if most is not None and most < len(rows):
        rows = [rows[i * len(rows) // most] for i in range(most)]
    images, masks, inside = zip(*(_framed(row, size) for row in rows), strict=True)
    side = Masked(np.stack(images), np.stack(masks), [row.group_id for row in rows])
    return side, np.stack(inside)


def _framed(row: Row, size: int) -> tuple[NDArray[np.float32], Masks, Masks]:
    """An image (1, size, size), the union of its lungs, and where it lies (size, size)."""
    image = open_image(row.file)[0].mean(axis=0, keepdims=True, dtype=np.float32)
    frame = Frame.for_image(image, size)
    union = np.any([open_mask(row.masks[name]) > 0 for name in LUNGS], axis=0)
    inside = frame.apply_mask(np.ones(image.shape[1:], bool))
    return snapped(frame.apply(image)), frame.apply_mask(union), inside


def rendered_lungs(bench: Bench, domain: str, split: str) -> Masked:
    """The renders of a domain and split with their projected lungs; groups are poses.

    Raises:
        SynthmedError: Renders without masks.
    """
    from benchmarks.translate_data import lungs

    part = bench.data.part(domain, split)
    masks = lungs(part)
    if len(masks) != len(part.groups):
        raise SynthmedError(f"{len(part.groups) - len(masks)} renders have no lung mask")
    return Masked(snapped(part.images), masks, list(part.groups))


def snapped(images: NDArray[Any]) -> NDArray[np.float32]:
    """Images in [-1, 1] on 256 grey levels, bit for bit as `translate_methods.made` reads them."""
    levels = np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)
    return np.asarray(levels / 127.5 - 1, np.float32)


def shuffled(side: Masked, seed: int) -> Masked:
    """The same images, each with the mask of another one: what no segmenter can learn from."""
    n = len(side.groups)
    if n < 2:
        raise SynthmedError("one mask cannot be shuffled")
    order = np.random.default_rng(seed).permutation(n)
    other = np.empty(n, np.int64)
    other[order] = np.roll(order, 1)  # a single cycle: nobody keeps the own mask
    return Masked(side.images, side.masks[other], side.groups)


def mean_mask(side: Masked) -> Masks:
    """(S, S): where at least half of the masks lie."""
    return np.asarray(side.masks.mean(axis=0) >= 0.5)


def folds(groups: Sequence[str], count: int, seed: int = 0) -> list[dict[str, NDArray[np.int64]]]:
    """Cross-fitting over patients: for each fold the rows of "test", "val" and "train".

    Args:
        groups: Patient of each image.
        count: Number of folds, at least 3; the next fold of each is its validation.
        seed: Seeds the dealing.

    Raises:
        SynthmedError: Fewer than three patients or folds.
    """
    if min(count, len(set(groups))) < 3:
        raise SynthmedError("cross-fitting with validation needs three folds of patients")
    fold = deal_folds(np.zeros(len(groups)), list(groups), count, seed)
    last = int(fold.max()) + 1
    found = []
    for j in range(last):
        val = (j + 1) % last
        parts = {"test": fold == j, "val": fold == val, "train": (fold != j) & (fold != val)}
        found.append({name: np.flatnonzero(rows) for name, rows in parts.items()})
    return found
