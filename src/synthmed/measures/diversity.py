"""Feature diversity within prompts, relative to real images within captions.

A generator that draws one picture per prompt can still match a set as a whole. What it lacks
shows between images of the same prompt. Sums over all pairs come from sums over images, so
every pair counts and none is visited.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.blocks import (
    WHOLE,
    Dealt,
    Index,
    LeftOut,
    Names,
    Pass,
    block_count,
    kept_blocks,
)

NAME = "feature-diversity"


def feature_diversity(
    real: Any,
    synthetic: Any,
    real_labels: Any = None,
    synthetic_labels: Any = None,
    real_groups: Any = None,
    synthetic_groups: Any = None,
) -> float:
    """Spread of synthetic features within labels, over that of real ones.

    The root mean square distance between two images of one label, synthetic over real. Labels
    count that have a pair on both sides, each by its number of synthetic images. Two images of
    one group (patient) are no pair, but for synthetic labels that are one group: images of one
    prompt, made from no patient.

    Args:
        real: (N, D) features.
        synthetic: (M, D) features.
        real_labels: (N,) caption, class or type of each image; None: all of one.
        synthetic_labels: (M,) prompt, class or type of each image.
        real_groups: (N,) patients; None: each image its own.
        synthetic_groups: (M,) groups.

    Returns:
        At least 0; 1: as diverse as real images; below: less.

    Raises:
        SynthmedError: No label with a pair on both sides, or real images without any spread.
    """
    real, synthetic = as_features(real, "real"), as_features(synthetic, "synthetic")
    same_width(real, synthetic)
    sides = (
        Dealt.whole(real, real_groups, real_labels),
        Dealt.whole(synthetic, synthetic_groups, synthetic_labels),
    )
    return float(diversity_family(*sides, WHOLE, [NAME]).values[NAME][0])


def diversity_family(
    real: Dealt, synthetic: Dealt, left_out: LeftOut, names: Collection[str]
) -> Pass:
    """Feature diversity without each set of blocks.

    Args:
        real: (N, D) features in float64.
        synthetic: (M, D) features in float64.
        left_out: Sets of blocks to leave out.
        names: Not used: there is one metric, ``feature-diversity``.

    Returns:
        The ratio, and as its parts the root mean square distances of both sides.

    Raises:
        SynthmedError: No label with a pair on both sides, or real images without any spread.
    """
    codes, labels = shared_labels(real, synthetic)
    keep = kept_blocks(left_out, block_count(real, synthetic))
    centre = real.rows.mean(axis=0)
    groups = real.groups, pair_groups(synthetic.groups, synthetic.labels)
    sums = [
        _pair_sums(replace(side, rows=side.rows - centre), code, group, keep, len(labels))
        for side, code, group in zip((real, synthetic), codes, groups, strict=True)
    ]
    usable = (sums[0][1] > 0) & (sums[1][1] > 0)
    weight = usable * sums[1][2]
    if (weight.sum(axis=1) == 0).any():
        raise no_pairs()
    mean = [
        (weight * square / np.maximum(pairs, 1)).sum(axis=1) / weight.sum(axis=1)
        for square, pairs, _ in sums
    ]
    if mean[0].min() <= 1e-12 * max(1.0, float(sums[0][0].max())):
        raise SynthmedError("the real images of each label have equal features")
    values = {
        NAME: np.sqrt(np.maximum(mean[1], 0.0) / mean[0]),
        f"{NAME}: real": np.sqrt(mean[0]),
        f"{NAME}: synthetic": np.sqrt(np.maximum(mean[1], 0.0)),
    }
    return Pass(values, {NAME: {"labels": int(usable[0].sum())}})


def no_pairs() -> SynthmedError:
    """The error where no label has a pair of images on both sides."""
    return SynthmedError(
        "no label has two images to compare on both sides",
        mend="Name coarser labels: classes or types instead of prompts",
    )


def shared_labels(real: Dealt, synthetic: Dealt) -> tuple[tuple[Index, Index], Names]:
    """Codes of both sides' labels, -1 where the other side lacks the label; the shared labels."""
    labels = np.intersect1d(real.labels, synthetic.labels)
    codes = []
    for side in (real, synthetic):
        place = np.searchsorted(labels, side.labels)
        place[place == len(labels)] = 0
        found = labels[place] == side.labels if len(labels) else np.zeros(len(place), bool)
        codes.append(np.where(found, place, -1))
    return (codes[0], codes[1]), labels


def pair_groups(groups: Names, labels: Names) -> NDArray[Any]:
    """Groups within which synthetic images are no pairs.

    Images of a label that is all of one group were made from one prompt and no patient: each
    becomes a group of its own.
    """
    _, label = np.unique(labels, return_inverse=True)
    _, group = np.unique(groups, return_inverse=True)
    cells = np.unique(label * (group.max() + 1) + group)
    groups_of_label = np.bincount(cells // (group.max() + 1))
    alone = groups_of_label[label] == 1
    return np.where(alone, group.max() + 1 + np.arange(len(group)), group)


def _pair_sums(
    side: Dealt, codes: Index, groups: Any, keep: NDArray[np.bool_], labels: int
) -> tuple[Array, Array, Array]:
    """Over pairs of one label and two groups, without each set of blocks.

    ``sum_{i<j} |x_i - x_j|² = n sum |x|² - |sum x|²`` over a label, less the same over each
    group within it; a group lies in one block.

    Returns:
        (L, labels) sums of squared distances, numbers of pairs, numbers of images.
    """
    shared = codes >= 0
    rows, codes = side.rows[shared], codes[shared]
    _, group = np.unique(np.asarray(groups)[shared], return_inverse=True)
    squares = (rows**2).sum(axis=1)
    first, (n, q, v) = _sums_by([codes, group], np.ones(len(rows)), squares, rows)
    same = n * q - (v**2).sum(axis=1), n * (n - 1) / 2
    code, block = codes[first], side.blocks[shared][first]
    first, (n, q, v, s, p) = _sums_by([code, block], n, q, v, *same)
    code, block = code[first], block[first]
    found = np.zeros((3, len(keep), labels))
    for i, kept in enumerate(keep):
        shape = (labels, len(code))
        add = csr_array((kept[block].astype(float), (code, np.arange(len(code)))), shape=shape)
        count = add @ n
        found[0, i] = count * (add @ q) - ((add @ v) ** 2).sum(axis=1) - add @ s
        found[1, i] = count * (count - 1) / 2 - add @ p
        found[2, i] = count
    return found[0], found[1], found[2]


def _sums_by(keys: list[Index], *arrays: Array) -> tuple[Index, list[Array]]:
    """First row of each combination of the keys, and sums of the arrays over its rows."""
    key = keys[0] * (int(keys[1].max(initial=0)) + 1) + keys[1]
    order = np.argsort(key, kind="stable")
    _, starts = np.unique(key[order], return_index=True)
    return order[starts], [np.add.reduceat(x[order], starts, axis=0) for x in arrays]
