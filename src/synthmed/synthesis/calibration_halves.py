"""The same halvings for two distances: translations to the target, and the target to itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.measures.fidelity import kid

HALVINGS = 200
"""Random halvings of the patients of both domains."""

Mask = npt.NDArray[np.bool_]


def halves(
    source: Sequence[str], target: Sequence[str], seed: int, count: int = HALVINGS
) -> Iterator[tuple[Mask, Mask]]:
    """Deal the patients of two domains, those of both together, to two halves.

    A patient who stands in both domains goes to one half with all images. Those of both domains,
    those of the target alone and those of the source alone are dealt apart, two at a time, one to
    each half, the one with more images to the half with fewer: so both halves of both domains hold
    half of the patients, and about half of the images.

    Args:
        source: (N,) patient of each image of the source.
        target: (M,) patient of each image of the target.
        seed: Seeds the halvings; the same patients give the same ones.
        count: How many.

    Yields:
        Masks (N,) and (M,) of the first half.
    """
    names, code = np.unique([*map(str, source), *map(str, target)], return_inverse=True)
    sides = code[: len(source)], code[len(source) :]
    images = [np.bincount(side, minlength=len(names)) for side in sides]
    both, only = (images[0] > 0) & (images[1] > 0), images[1] > 0
    strata = [
        (np.flatnonzero(chosen), counts)
        for chosen, counts in (
            (both, images[1]),
            (only & ~both, images[1]),
            (~only, images[0]),
        )
    ]
    rng = np.random.default_rng(seed)
    for _ in range(count):
        first, turned = np.zeros(len(names), dtype=bool), rng.random() < 0.5
        for units, counts in strata:
            _deal(rng.permutation(units), counts, first)
        if turned:
            first = ~first
        yield first[sides[0]], first[sides[1]]


def target_distances(
    target: Any, source_units: Sequence[str], target_units: Sequence[str], seed: int
) -> npt.NDArray[np.float64]:
    """KID between the two halves of the target's own images, by halving.

    Args:
        target: (M, D) features of the target's images.
        source_units: (N,) patient of each image of the source, which is dealt along.
        target_units: (M,) patient of each image of the target.
        seed: Seeds the halvings.

    Returns:
        (200,).
    """
    every = halves(source_units, target_units, seed)
    return np.asarray([kid(target[first], target[~first]) for _, first in every])


def edited_distances(
    edited: Any, target: Any, source_units: Sequence[str], target_units: Sequence[str], seed: int
) -> npt.NDArray[np.float64]:
    """KID between the translations of one half and the target's images of the other, by halving.

    KID pairs all images of a half. Those of one patient are alike, and so are a patient's
    translation and the same patient's image in the target. With the halvings of
    `target_distances` each distance has as many pairs within patients as the other, and no
    patient on both of its sides; so translations that are drawn as the target is have the same
    mean as the target's own halves. Whole sets would not: several images a patient lift the
    distance of two halves, and patients of both domains lower that of the whole sets.

    Args:
        edited: (N, D) features of the translations.
        target: (M, D) features of the target's images.
        source_units: (N,) patient of each translation's source.
        target_units: (M,) patient of each image of the target.
        seed: Seeds the halvings.

    Returns:
        (200,).
    """
    every = halves(source_units, target_units, seed)
    return np.asarray([kid(edited[one], target[~other]) for one, other in every])


def _deal(order: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], first: Mask) -> None:
    """Deal patients in pairs; of one left over the half with fewer images gets all."""
    sizes = [0, 0]
    for start in range(0, len(order), 2):
        pair = sorted(order[start : start + 2], key=lambda unit: -int(counts[unit]))
        fewer = int(sizes[1] < sizes[0])
        for unit, side in zip(pair, (fewer, 1 - fewer), strict=False):
            first[unit] = side == 0
            sizes[side] += int(counts[unit])
