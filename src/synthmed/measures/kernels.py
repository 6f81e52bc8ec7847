"""Kernel distances (MMD) with all leave-out values from one pass over the inner products.

Leaving blocks out only drops terms of the sums of the kernel, so the sums are kept block by
block: 20 × 20 numbers for each pair of sides. KID and CMMD are functions of the same inner
products, which cost most, and share them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from synthmed.measures.arrays import Array
from synthmed.measures.blocks import Dealt, LeftOut, Pass, block_count, indicator, kept_blocks

CMMD_SIGMA = 10.0
CMMD_SCALE = 1000.0
TILE = 1024

Kernel = Callable[[Array, Array, Array, int], Array]
"""(inner products (n, m), norms (n, 1), norms (1, m), width D) -> kernel (n, m)."""


def cubic(products: Array, norms_a: Array, norms_b: Array, width: int) -> Array:
    """KID's kernel ``(x·y / D + 1)³`` (Bińkowski et al. 2018)."""
    base = products / width
    base += 1.0
    return base * base * base


def gaussian(products: Array, norms_a: Array, norms_b: Array, width: int) -> Array:
    """CMMD's kernel on unit vectors, times 1,000, less the constant 1, which cancels in an MMD.

    ``1000 (exp(-|x - y|² / (2 sigma²)) - 1)``, sigma = 10; expm1 keeps the digits of a kernel
    that lies near 1.
    """
    cosine = products / norms_a
    cosine /= norms_b
    cosine -= 1.0
    cosine /= CMMD_SIGMA**2
    np.expm1(cosine, out=cosine)
    cosine *= CMMD_SCALE
    return cosine


KERNELS: dict[str, Kernel] = {"kid": cubic, "cmmd": gaussian}


def kernel_family(real: Dealt, synthetic: Dealt, left_out: LeftOut, names: Collection[str]) -> Pass:
    """KID and CMMD without each set of blocks.

    Args:
        real: (N, D) features in float64.
        synthetic: (M, D) features in float64.
        left_out: Sets of blocks to leave out; at least two rows of each side must remain.
        names: Of ``KERNELS``.

    Returns:
        The unbiased U-statistics: ``mean_{i≠j} k(x_i, x_j) + mean_{i≠j} k(y_i, y_j) -
        2 mean k(x_i, y_j)``.
    """
    count = block_count(real, synthetic)
    keep = kept_blocks(left_out, count).astype(np.float64)
    kernels = {name: KERNELS[name] for name in KERNELS if name in names}
    within_x, within_y = (_within(side, kernels, count) for side in (real, synthetic))
    between = _between(real, synthetic, kernels, count)
    n, m = (keep @ np.bincount(side.blocks, minlength=count) for side in (real, synthetic))

    def total(sums: Array) -> Array:
        return np.asarray(((keep @ sums) * keep).sum(axis=1))

    return Pass(
        {
            name: total(within_x[name]) / (n * (n - 1))
            + total(within_y[name]) / (m * (m - 1))
            - 2.0 * total(between[name]) / (n * m)
            for name in kernels
        }
    )


def _norms(rows: Array) -> Array:
    return np.maximum(np.linalg.norm(rows, axis=1), 1e-12)


def _within(side: Dealt, kernels: dict[str, Kernel], count: int) -> dict[str, Array]:
    """(count, count) sums of each kernel over ordered pairs of different rows of one side."""
    rows, norms, member = side.rows, _norms(side.rows), indicator(side.blocks, count)
    sums = {name: np.zeros((count, count)) for name in kernels}
    starts = range(0, len(rows), TILE)
    for i in starts:
        for j in range(i, len(rows), TILE):
            a, b = slice(i, i + TILE), slice(j, j + TILE)
            products = rows[a] @ rows[b].T
            for name, kernel in kernels.items():
                values = kernel(products, norms[a, None], norms[None, b], rows.shape[1])
                if i == j:
                    np.fill_diagonal(values, 0.0)
                part = member[a].T @ (values @ member[b])
                sums[name] += part if i == j else part + part.T
    return sums


def _between(
    real: Dealt, synthetic: Dealt, kernels: dict[str, Kernel], count: int
) -> dict[str, Array]:
    """(count, count) sums of each kernel over pairs of a real and a synthetic row."""
    norms = [_norms(side.rows) for side in (real, synthetic)]
    members = [indicator(side.blocks, count) for side in (real, synthetic)]
    sums = {name: np.zeros((count, count)) for name in kernels}
    for i in range(0, len(real.rows), TILE):
        for j in range(0, len(synthetic.rows), TILE):
            a, b = slice(i, i + TILE), slice(j, j + TILE)
            products = real.rows[a] @ synthetic.rows[b].T
            for name, kernel in kernels.items():
                values = kernel(products, norms[0][a, None], norms[1][None, b], real.rows.shape[1])
                sums[name] += members[0][a].T @ (values @ members[1][b])
    return sums
