"""Precision, recall, density and coverage: k-nearest-neighbour manifolds of two sets.

Each real (or synthetic) image owns a ball whose radius is the distance to its k-th neighbour
in its own set. Precision and recall: Kynkäänniemi et al. 2019, equations 1 to 3; density and
coverage: Naeem et al. 2020, equations 4 and 5. All four depend on N; compare at equal N. An
image at a ball's radius itself lies inside, as in these equations.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.balls import take_census
from synthmed.measures.blocks import WHOLE, Dealt, LeftOut, Pass, block_count, kept_blocks
from synthmed.measures.radii import squared_radii

K = 5


def precision(real: Any, synthetic: Any, k: int = K) -> float:
    """Share of synthetic images that lie inside at least one real image's ball.

    Args:
        real: (N, D) features, N above k.
        synthetic: (M, D) features.
        k: The neighbour that sets a ball's radius.

    Returns:
        A share in [0, 1].

    Raises:
        SynthmedError: Too few rows, or widths that differ.
    """
    return _whole("precision", real, synthetic, k)


def recall(real: Any, synthetic: Any, k: int = K) -> float:
    """Share of real images that lie inside at least one synthetic image's ball.

    Args:
        real: (N, D) features.
        synthetic: (M, D) features, M above k.
        k: The neighbour that sets a ball's radius.

    Returns:
        A share in [0, 1].

    Raises:
        SynthmedError: Too few rows, or widths that differ.
    """
    return _whole("recall", real, synthetic, k)


def density(real: Any, synthetic: Any, k: int = K) -> float:
    """Mean number of real balls that hold a synthetic image, divided by k.

    Args:
        real: (N, D) features, N above k.
        synthetic: (M, D) features.
        k: The neighbour that sets a ball's radius.

    Returns:
        At least 0; about 1 for equal distributions, above 1 where the synthetic images crowd
        in the dense regions of the real ones.

    Raises:
        SynthmedError: Too few rows, or widths that differ.
    """
    return _whole("density", real, synthetic, k)


def coverage(real: Any, synthetic: Any, k: int = K) -> float:
    """Share of real balls that hold at least one synthetic image.

    Args:
        real: (N, D) features, N above k.
        synthetic: (M, D) features.
        k: The neighbour that sets a ball's radius.

    Returns:
        A share in [0, 1]; for equal distributions of equal size, about ``1 - 2^-k``.

    Raises:
        SynthmedError: Too few rows, or widths that differ.
    """
    return _whole("coverage", real, synthetic, k)


def manifold_family(
    real: Dealt, synthetic: Dealt, left_out: LeftOut, names: Collection[str], k: int = K
) -> Pass:
    """Precision, recall, density and coverage without each set of blocks.

    Args:
        real: (N, D) features in float64.
        synthetic: (M, D) features in float64.
        left_out: Sets of blocks to leave out; more than k rows of a side must remain.
        names: Of the four.
        k: The neighbour that sets a ball's radius.

    Returns:
        The values: counts of images, divided; the same as computed anew.

    Raises:
        SynthmedError: Too few rows remain.
    """
    real_radii = synthetic_radii = None
    blocks = block_count(real, synthetic)
    if {"precision", "density", "coverage"} & set(names):
        real_radii = squared_radii(real, left_out, k, blocks)
    if "recall" in names:
        synthetic_radii = squared_radii(synthetic, left_out, k, blocks)
    of_real, of_synthetic = take_census(real, synthetic, real_radii, synthetic_radii, left_out)
    keep = kept_blocks(left_out, blocks)
    keep_real, keep_synthetic = keep[:, real.blocks], keep[:, synthetic.blocks]
    values = {}
    if of_real is not None:
        held, holds = of_real.of_points(), of_real.in_balls()
        values["precision"] = _mean(held > 0, keep_synthetic)
        values["density"] = _mean(held, keep_synthetic) / k
        values["coverage"] = _mean(holds > 0, keep_real)
    if of_synthetic is not None:
        values["recall"] = _mean(of_synthetic.of_points() > 0, keep_real)
    return Pass({name: value for name, value in values.items() if name in names})


def _mean(counts: Any, keep: Any) -> Array:
    """(L,) mean of (L, N) numbers over the rows that remain."""
    return np.asarray((counts * keep).sum(axis=1) / keep.sum(axis=1))


def _whole(name: str, real: Any, synthetic: Any, k: int) -> float:
    real, synthetic = as_features(real, "real"), as_features(synthetic, "synthetic")
    same_width(real, synthetic)
    sides = Dealt.whole(real), Dealt.whole(synthetic)
    return float(manifold_family(*sides, WHOLE, [name], k).values[name][0])
