"""How alike images of one label are: MS-SSIM of pairs, synthetic beside real.

The pairs are drawn once and compared once; leaving images out drops pairs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.blocks import (
    WHOLE,
    Dealt,
    Index,
    LeftOut,
    Pass,
    block_count,
    frame_of,
    kept_blocks,
)
from synthmed.measures.diversity import no_pairs, pair_groups, shared_labels
from synthmed.measures.ms_ssim import ms_ssim, scales_of
from synthmed.measures.pairs import PAIRS, draw_pairs

NAME = "ms-ssim-difference"
BATCH = 32


def ms_ssim_within(
    images: Any, labels: Any = None, groups: Any = None, most: int = PAIRS, seed: int = 0
) -> tuple[float, int, int]:
    """Mean MS-SSIM of pairs of images of one label and two groups: low for diverse images.

    Args:
        images: (N, C, H, W) floats in [-1, 1], H and W at least 48.
        labels: (N,) label (prompt, caption, class) of each image; None: all of one.
        groups: (N,) group (patient) of each image; None: each its own.
        most: About the largest number of pairs.
        seed: Seeds their draw.

    Returns:
        The mean over labels of the mean over pairs, the number of pairs, and of scales.

    Raises:
        SynthmedError: No such pair, integers, or images under 48 pixels.
    """
    side = Dealt.whole(images, groups, labels)
    pairs = draw_pairs(side.labels, side.groups, most, seed)
    if len(pairs) == 0:
        raise SynthmedError("no label has two images of two groups to compare")
    values = _similarities(images, pairs)
    _, codes = np.unique(side.labels[pairs[:, 0]], return_inverse=True)
    means = np.bincount(codes, values) / np.bincount(codes)
    return float(means.mean()), len(pairs), scales_of(*np.shape(images)[2:])


def ms_ssim_difference(real: Any, synthetic: Any) -> float:
    """Mean MS-SSIM of pairs of synthetic images, less that of pairs of real images.

    Args:
        real: (N, C, H, W) floats in [-1, 1], H and W at least 48.
        synthetic: (M, C, H, W) floats in [-1, 1] of the same height and width.

    Returns:
        In [-1, 1]. 0: as diverse as real images; above: more alike.

    Raises:
        SynthmedError: Fewer than two images, sizes that differ, integers, or under 48 pixels.
    """
    sides = Dealt.whole(real), Dealt.whole(synthetic)
    return float(ms_ssim_family(*sides, WHOLE, [NAME]).values[NAME][0])


def ms_ssim_family(
    real: Dealt, synthetic: Dealt, left_out: LeftOut, names: Collection[str]
) -> Pass:
    """MS-SSIM within labels, synthetic less real, without each set of blocks.

    The same pairs serve throughout: leaving a block out drops its pairs. Labels count that have
    a pair on both sides, each by its number of synthetic images; which images are no pair is
    said at ``feature_diversity``.

    Args:
        real: Images (N, C, H, W), floats in [-1, 1], at least 48 pixels.
        synthetic: Images (M, C, H, W) of the same height and width.
        left_out: Sets of blocks to leave out.
        names: Not used: there is one metric, ``ms-ssim-difference``.

    Returns:
        The difference, and as its parts both sides' means.

    Raises:
        SynthmedError: No label with a pair on both sides, sizes that differ, or integers.
    """
    scales = scales_of(*frame_of(real, synthetic))
    codes, labels = shared_labels(real, synthetic)
    keep = kept_blocks(left_out, block_count(real, synthetic))
    groups = real.groups, pair_groups(synthetic.groups, synthetic.labels)
    sums = [
        _label_sums(side, code, group, keep, len(labels))
        for side, code, group in zip((real, synthetic), codes, groups, strict=True)
    ]
    usable = (sums[0][1] > 0) & (sums[1][1] > 0)
    weight = usable * _images(synthetic, codes[1], keep, len(labels))
    if (weight.sum(axis=1) == 0).any():
        raise no_pairs()
    mean = [
        (weight * total / np.maximum(pairs, 1)).sum(axis=1) / weight.sum(axis=1)
        for total, pairs in sums
    ]
    values = {
        NAME: mean[1] - mean[0],
        f"{NAME}: real": mean[0],
        f"{NAME}: synthetic": mean[1],
    }
    facts = {
        "scales": scales,
        "labels": int(usable[0].sum()),
        "pairs_real": int(sums[0][1][0].sum()),
        "pairs_synthetic": int(sums[1][1][0].sum()),
    }
    return Pass(values, {NAME: facts})


def _label_sums(
    side: Dealt, codes: Index, groups: Any, keep: NDArray[np.bool_], labels: int
) -> tuple[Array, Array]:
    """(L, labels) sum of MS-SSIM over the pairs that remain, and their number."""
    shared = np.flatnonzero(codes >= 0)
    pairs = shared[draw_pairs(codes[shared], np.asarray(groups)[shared])]
    values, code = _similarities(side.rows, pairs), codes[pairs[:, 0]]
    kept = keep[:, side.blocks[pairs[:, 0]]] & keep[:, side.blocks[pairs[:, 1]]]
    sums = [np.bincount(code, values * x, minlength=labels) for x in kept]
    return np.array(sums), np.array([np.bincount(code, x, minlength=labels) for x in kept])


def _images(side: Dealt, codes: Index, keep: NDArray[np.bool_], labels: int) -> Array:
    """(L, labels) number of images that remain."""
    shared = codes >= 0
    kept = keep[:, side.blocks[shared]]
    return np.array([np.bincount(codes[shared], x, minlength=labels) for x in kept])


def _similarities(images: Any, pairs: Index) -> Array:
    """MS-SSIM of pairs of rows, a batch at a time."""
    parts = [np.empty(0)]
    for start in range(0, len(pairs), BATCH):
        first, second = pairs[start : start + BATCH].T
        parts.append(ms_ssim(images[first], images[second]))
    return np.concatenate(parts)
