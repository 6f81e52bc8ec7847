"""Distances between two distributions of features: Fréchet, kernel (KID) and CMMD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.blocks import WHOLE, Dealt
from synthmed.measures.kernels import kernel_family
from synthmed.measures.moments import frechet_family

SUBSET_SIZE = 1000


@dataclass(frozen=True)
class SubsetKid:
    """KID as it is published: over random subsets.

    Attributes:
        mean: Mean over the subsets.
        std: Standard deviation over the subsets (divided by their number): how much subsets
            differ, no interval; not-a-number where each subset is the whole of both sides.
        size: Images of each side in a subset.
        subsets: Number of subsets.
    """

    mean: float
    std: float
    size: int
    subsets: int


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
    return float(frechet_family(*_two(a, b), WHOLE, ["frechet"]).values["frechet"][0])


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
    return float(kernel_family(*_two(a, b), WHOLE, ["kid"]).values["kid"][0])


def kid_subsets(
    a: Any, b: Any, size: int | None = None, subsets: int = 100, seed: int = 0
) -> SubsetKid:
    """KID as it is published (Bińkowski et al. 2018): mean and spread over random subsets.

    Subsets are drawn without replacement from each side. ``kid`` uses every pair at once and
    varies less; this one stands beside published figures.

    Args:
        a: (N, D) features.
        b: (M, D) features.
        size: Images of each side in a subset; by default 1,000, or all of the smaller side.
        subsets: Number of subsets.
        seed: Seeds the draws.

    Returns:
        Mean and standard deviation over the subsets.

    Raises:
        SynthmedError: More subsets than images, subsets larger than a side, fewer than two
            rows, or widths that differ.
    """
    sides = [side.rows for side in _two(a, b)]
    fewest = min(len(rows) for rows in sides)
    size = min(SUBSET_SIZE, fewest) if size is None else size
    if not 1 <= subsets <= fewest or not 2 <= size <= fewest:
        raise SynthmedError(
            f"{subsets} subsets of {size} images from {len(sides[0])} and {len(sides[1])} images",
            mend=f"Take at most {fewest} subsets of 2 to {fewest} images",
        )
    rng, values = np.random.default_rng(seed), np.empty(subsets)
    for i in range(subsets):
        drawn = [rows[rng.choice(len(rows), size, replace=False)] for rows in sides]
        values[i] = kid(*drawn)
    same = size == max(len(rows) for rows in sides)
    return SubsetKid(float(values.mean()), np.nan if same else float(values.std()), size, subsets)


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
    return float(kernel_family(*_two(a, b), WHOLE, ["cmmd"]).values["cmmd"][0])


def _two(a: Any, b: Any) -> tuple[Dealt, Dealt]:
    checked: list[Array] = [as_features(a, rows=2), as_features(b, rows=2)]
    same_width(*checked)
    return Dealt.whole(checked[0]), Dealt.whole(checked[1])
