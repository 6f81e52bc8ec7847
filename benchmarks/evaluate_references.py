"""Independent references for `evaluate_numerics`: plain, slow, float64; nothing of synthmed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

Array = npt.NDArray[np.float64]
LISTED = 50


def sqrtm_distance(a: Array, b: Array) -> float:
    """Fréchet distance by the square root of the product of the covariances.

    Where that matrix is singular, scipy's algorithm is not accurate; the root's trace is then the
    sum of the singular values of the product of the centred samples, which is the same number.
    """
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    means = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    if min(len(a), len(b)) > a.shape[1]:
        root = float(np.trace(sqrtm(cov_a @ cov_b)).real)
    else:
        x, y = ((z - z.mean(axis=0)) / math.sqrt(len(z) - 1) for z in (a, b))
        root = float(np.linalg.svd(x @ y.T, compute_uv=False).sum())
    return float(means + np.trace(cov_a) + np.trace(cov_b) - 2.0 * root)


def double_loop(metric: str, a: Array, b: Array) -> float:
    """KID or CMMD, pair by pair, summed without rounding."""
    width = a.shape[1]
    if metric == "cmmd":
        a, b = (np.array([row / math.sqrt(float(row @ row)) for row in x]) for x in (a, b))

    def kernel(x: Array, y: Array) -> float:
        if metric == "kid":
            return (float(x @ y) / width + 1.0) ** 3
        return 1000.0 * math.exp(-float(((x - y) ** 2).sum()) / 200.0)

    def mean(x: Array, y: Array, same: bool) -> float:
        values = [
            kernel(x[i], y[j]) for i in range(len(x)) for j in range(len(y)) if not same or i != j
        ]
        return math.fsum(values) / len(values)

    return mean(a, a, True) + mean(b, b, True) - 2.0 * mean(a, b, False)


def four_counts(real: Array, synthetic: Array, k: int) -> dict[str, dict[str, Any]]:
    """Counts behind precision, recall, density and coverage, from all distances.

    Returns:
        For each `inside` (at the radius counts), `ties` (inside only because it does) and
        `tied_rows`: the first rows whose verdict hangs on a tie (for density: that have one).
    """
    radii = [np.sort(cdist(x, x, "sqeuclidean"), axis=1)[:, k] for x in (real, synthetic)]
    between = cdist(synthetic, real, "sqeuclidean")
    in_real = between <= radii[0], between < radii[0]
    in_synthetic = between <= radii[1][:, None], between < radii[1][:, None]
    found = {
        "precision": [x.any(axis=1) for x in in_real],
        "recall": [x.any(axis=0) for x in in_synthetic],
        "density": [x.sum(axis=1) for x in in_real],
        "coverage": [x.any(axis=0) for x in in_real],
    }
    return {
        name: {
            "inside": int(at.sum()),
            "ties": int(at.sum() - below.sum()),
            "tied_rows": np.flatnonzero(at != below)[:LISTED].tolist(),
        }
        for name, (at, below) in found.items()
    }
