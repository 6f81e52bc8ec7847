"""From the scores of blocks to one number an image: how far its closest candidate stands out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.measures.arrays import Array
from synthmed.measures.copies.local_match import BLOCKS
from synthmed.measures.copies.prepare import Float32
from synthmed.measures.copies.search import Index

SHARE = 0.35
"""Share of the textured blocks that counts, the best ones: a copied half of an image is enough."""
FEWEST = 6
"""Blocks that count at least; an image with fewer textured ones scores lower."""
BESIDE = 3
"""Candidates of other patients that the best one is compared with."""


@dataclass(frozen=True)
class Closest:
    """The nearest and the second-nearest training image of each query.

    Attributes:
        score: (N,) how far the best candidate stands out from those of other patients.
        row: (N,) its training row.
        second: (N,) the same for the best candidate of another patient.
        second_row: (N,) its training row.
    """

    score: Array
    row: Index
    second: Array
    second_row: Index


def usual_fit(blocks: Float32, shown: NDArray[np.bool_]) -> Float32:
    """How well strangers fit at each place: what all images of a kind share does not count.

    Args:
        blocks: (N, K, 36) scores of images of other patients.
        shown: (N, 36) which blocks are textured.

    Returns:
        (36,) mean over images and candidates; 0 where no image has texture.
    """
    total = np.einsum("nkb,nb->b", blocks, shown, dtype=np.float64)
    count = shown.sum(axis=0) * blocks.shape[1]
    return np.asarray(total / np.maximum(count, 1.0), np.float32)


def pair_scores(blocks: Float32, shown: NDArray[np.bool_], usual: Float32) -> Float32:
    """Mean excess of the best blocks over the usual fit.

    Args:
        blocks: (N, K, 36) scores of blocks.
        shown: (N, 36) which blocks are textured.
        usual: (36,) fit of strangers.

    Returns:
        (N, K) float32.
    """
    excess = np.where(shown[:, None, :], usual - blocks, np.float32(np.inf))
    excess.sort(axis=2)
    excess[np.isinf(excess)] = 0.0
    counted = np.ceil(SHARE * shown.sum(axis=1)).astype(np.int64).clip(min(FEWEST, BLOCKS))
    sums = excess.cumsum(axis=2)
    last = np.take_along_axis(sums, (counted - 1)[:, None, None], axis=2)[:, :, 0]
    return np.asarray(-last / counted[:, None], np.float32)


def stand_out(scores: Float32, rows: Index, groups: Index) -> Closest:
    """Compares the best candidate with the next three of other patients.

    The score is the best candidate's minus the mean of the three best ones of other patients than
    its own. An image that is blurred or typical fits many training images fairly well, and none
    much better. Where there is one patient only, its other images are compared.

    Args:
        scores: (N, K) scores of the candidates, K at least 2.
        rows: (N, K) their training rows.
        groups: (T,) number of the patient of each training row.

    Returns:
        Nearest and second-nearest training image of each query.
    """
    every = np.arange(len(scores))
    best = scores.argmax(axis=1)
    other = groups[rows] != groups[rows[every, best]][:, None]
    alone = ~other.any(axis=1)
    other[alone] = rows[alone] != rows[alone, best[alone]][:, None]
    theirs = np.where(other, scores.astype(np.float64), -np.inf)
    beside = -np.sort(-theirs, axis=1)[:, :BESIDE]
    there = np.isfinite(beside)
    level = np.where(there, beside, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    second = theirs.argmax(axis=1)
    return Closest(
        scores[every, best] - level,
        rows[every, best],
        theirs[every, second] - level,
        rows[every, second],
    )
