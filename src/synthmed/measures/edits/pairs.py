"""Pairs of images of one patient, and of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthmed.measures.arrays import Array

Pairs = NDArray[np.int64]
"""(P, 2) row numbers."""
MOST_PAIRS = 20
"""Pairs of one patient at most, so that patients with many images do not decide alone."""


def same_pairs(groups: NDArray[np.str_], seed: int) -> Pairs:
    """Pairs of two images of one patient, at most 20 a patient.

    Args:
        groups: (N,) patient of each image.
        seed: Seeds which pairs are taken.

    Returns:
        (P, 2) row numbers, without order and without doubles; (0, 2) if nobody has two images.
    """
    rng, found = np.random.default_rng(seed), []
    for name in np.unique(groups):
        rows = np.flatnonzero(groups == name)
        every = np.stack(np.triu_indices(len(rows), 1), axis=1)
        chosen = rng.permutation(len(every))[:MOST_PAIRS]
        found.append(rows[every[chosen]])
    return np.concatenate(found) if found else np.empty((0, 2), np.int64)


def different_pairs(
    groups: NDArray[np.str_], kinds: NDArray[np.str_], count: int, seed: int
) -> Pairs:
    """Pairs of images of two patients and one kind.

    Args:
        groups: (N,) patient of each image.
        kinds: (N,) kind of each image; pairs never mix kinds, or a verifier would learn to tell
            an X-ray from a photograph.
        count: How many to draw.
        seed: Seeds the draws.

    Returns:
        (P, 2) row numbers, P at most ``count``; fewer where a drawn image has no partner.
    """
    rng, found = np.random.default_rng(seed), []
    for row in rng.integers(len(groups), size=count):
        others = np.flatnonzero((groups != groups[row]) & (kinds == kinds[row]))
        if len(others):
            found.append((row, rng.choice(others)))
    return np.asarray(found, dtype=np.int64).reshape(-1, 2)


def pair_features(a: Array, b: Array) -> Array:
    """What a verifier sees of a pair: squared differences, and the cosine.

    Args:
        a: (N, K) whitened features.
        b: (N, K) whitened features.

    Returns:
        (N, K + 1); the order within a pair does not matter.
    """
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(axis=1) / np.maximum(lengths, 1e-12)
    return np.concatenate([(a - b) ** 2, cosine[:, None]], axis=1)


def split_patients(groups: Sequence[str], share: float, seed: int) -> set[str]:
    """Patients of the first part, when those with two images or more are split by a share.

    Args:
        groups: Patient of each image.
        share: Share of the patients that go into the first part.
        seed: Seeds the split.

    Returns:
        Names of the first part's patients, those with one image among them.
    """
    names, counts = np.unique(np.asarray(groups).astype(str), return_counts=True)
    rng, first = np.random.default_rng(seed), set()
    for part in (names[counts > 1], names[counts == 1]):
        order = rng.permutation(part)
        first |= set(order[: round(share * len(order))].tolist())
    return first
