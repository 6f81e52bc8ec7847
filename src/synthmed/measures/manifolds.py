"""Precision, recall, density and coverage: k-nearest-neighbour manifolds of two sets.

Each real (or synthetic) image owns a ball whose radius is the distance to its k-th neighbour
in its own set. Precision and recall: Kynkäänniemi et al. 2019, equations 1 to 3; density and
coverage: Naeem et al. 2020, equations 4 and 5. All four depend on N; compare at equal N.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.neighbours import nearest


def precision(real: Any, synthetic: Any, k: int = 5) -> float:
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
    return float((_inside(real, synthetic, k) > 0).mean())


def recall(real: Any, synthetic: Any, k: int = 5) -> float:
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
    return precision(synthetic, real, k)


def density(real: Any, synthetic: Any, k: int = 5) -> float:
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
    return float(_inside(real, synthetic, k).mean() / k)


def coverage(real: Any, synthetic: Any, k: int = 5) -> float:
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
    real, synthetic = as_features(real, "real"), as_features(synthetic, "synthetic")
    closest, _ = nearest(real, synthetic, k=1)
    return float((closest[:, 0] <= _radii(real, k)).mean())


def _radii(points: Array, k: int) -> Array:
    """(N,) distance to the k-th neighbour in the same set, the point itself not counted."""
    return nearest(points, points, k=k + 1)[0][:, k]


def _inside(real: Any, synthetic: Any, k: int, chunk: int = 1024) -> Array:
    """(M,) number of real balls that hold each synthetic image."""
    real, synthetic = as_features(real, rows=k + 1), as_features(synthetic)
    same_width(real, synthetic)
    squares, radii = (real**2).sum(axis=1), _radii(real, k)
    counts = []
    for start in range(0, len(synthetic), chunk):
        part = synthetic[start : start + chunk]
        distance = (part**2).sum(axis=1)[:, None] + squares - 2.0 * part @ real.T
        counts.append((distance <= radii**2).sum(axis=1))
    return np.concatenate(counts).astype(np.float64)
