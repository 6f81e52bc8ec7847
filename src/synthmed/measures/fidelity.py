"""Distances between two distributions of features: Fréchet, kernel (KID) and CMMD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from synthmed.measures.arrays import Array, as_features, same_width

CMMD_SIGMA = 10.0
CMMD_SCALE = 1000.0


def frechet_distance(a: Any, b: Any) -> float:
    """Fréchet distance between two Gaussians fitted to features (FID; Heusel et al. 2017).

    ``|m_a - m_b|² + tr S_a + tr S_b - 2 tr (S_a S_b)^½``; the last trace is the sum of the
    square roots of the eigenvalues of the symmetric ``S_a^½ S_b S_a^½``. Everything in float64;
    covariances divide by N - 1. The estimate is biased upwards by an amount that falls with N
    and depends on the features (256 dimensions of one Gaussian: 166 at N = 200), so only
    distances at equal N can be compared.

    Args:
        a: (N, D) features.
        b: (M, D) features.

    Returns:
        The squared distance, at least 0.

    Raises:
        SynthmedError: Fewer than two rows, or widths that differ.
    """
    a, b = _two(a, b)
    root = _square_root(np.atleast_2d(np.cov(a, rowvar=False)))
    other = np.atleast_2d(np.cov(b, rowvar=False))
    eigenvalues = np.linalg.eigvalsh(root @ other @ root)
    cross = np.sqrt(np.clip(eigenvalues, 0.0, None)).sum()
    means = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(max(0.0, means + (root**2).sum() + np.trace(other) - 2.0 * cross))


def kid(a: Any, b: Any) -> float:
    """Kernel distance (KID; Bińkowski et al. 2018): unbiased squared MMD, cubic kernel.

    Kernel ``(x·y / D + 1)³``; the full U-statistic over all pairs, not a mean over subsets.

    Args:
        a: (N, D) features.
        b: (M, D) features.

    Returns:
        The estimate; 0 in expectation for equal distributions at any N, so it may be negative.

    Raises:
        SynthmedError: Fewer than two rows, or widths that differ.
    """
    a, b = _two(a, b)
    width = a.shape[1]
    return _mmd(a, b, lambda products: (products / width + 1.0) ** 3)


def cmmd(a: Any, b: Any) -> float:
    """CMMD (Jayasumana et al. 2024): squared MMD with a Gaussian kernel on unit-norm features.

    Kernel ``exp(-|x - y|² / (2 sigma²))`` with sigma = 10 on features divided by their
    Euclidean norm; times 1,000. The estimator is the unbiased U-statistic, which is 0 in
    expectation for equal distributions at any N; the authors' published code keeps the
    diagonals (the V-statistic) and so adds a positive bias that falls as 1/N. The published
    figures are for CLIP ViT-L/14 features at 336 px; with other features only comparisons
    within one extractor mean anything.

    Args:
        a: (N, D) features.
        b: (M, D) features.

    Returns:
        1,000 times the estimate; may be negative.

    Raises:
        SynthmedError: Fewer than two rows, or widths that differ.
    """
    a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in _two(a, b))
    # expm1 keeps the digits of a kernel that lies near 1; the constant 1 cancels in the MMD.
    return CMMD_SCALE * _mmd(a, b, lambda products: np.expm1((products - 1.0) / CMMD_SIGMA**2))


def _mmd(a: Array, b: Array, kernel: Callable[[Array], Array]) -> float:
    """Unbiased squared MMD; the kernel is a function of the inner products."""
    n, m = len(a), len(b)
    within_a = _kernel_sum(a, a, kernel) - kernel((a * a).sum(axis=1)).sum()
    within_b = _kernel_sum(b, b, kernel) - kernel((b * b).sum(axis=1)).sum()
    between = _kernel_sum(a, b, kernel)
    return float(within_a / (n * (n - 1)) + within_b / (m * (m - 1)) - 2.0 * between / (n * m))


def _kernel_sum(a: Array, b: Array, kernel: Callable[[Array], Array], chunk: int = 1024) -> float:
    """Sum of the kernel over all pairs; memory is chunk × len(b) numbers."""
    starts = range(0, len(a), chunk)
    return float(sum(kernel(a[start : start + chunk] @ b.T).sum() for start in starts))


def _square_root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T)


def _two(a: Any, b: Any) -> tuple[Array, Array]:
    a, b = as_features(a, rows=2), as_features(b, rows=2)
    same_width(a, b)
    return a, b
