"""Find nearly the same image in two splits, by fingerprints, in blocks of bounded memory.

Two images count as near-duplicates if their fingerprints' vectors correlate by at least
`LEAST_CORRELATION` and their pHashes differ in at most `MOST_BITS` of 256 bits. Both limits were
chosen by measurement on 3,870 real images of thirteen sets (see docs/trust.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST_CORRELATION = 0.93
MOST_BITS = 44
_BLOCK = (512, 2048)  # pairs that are looked at together


@dataclass(frozen=True, slots=True)
class Match:
    """Two images that are nearly the same.

    Attributes:
        first: Index of the one image.
        second: Index of the other one.
        correlation: Of their fingerprints, 1 for the same image.
    """

    first: int
    second: int
    correlation: float


def best_matches(
    vectors_NW: npt.NDArray[np.float32],
    bits_NB: npt.NDArray[np.uint8],
    first: Sequence[int] | npt.NDArray[np.int64],
    second: Sequence[int] | npt.NDArray[np.int64],
) -> Iterator[Match]:
    """Find for each image of one part its nearest duplicate in another part.

    Args:
        vectors_NW: Vectors of all fingerprints.
        bits_NB: pHashes of all fingerprints.
        first: Indices of the part that is searched, for example of the training images.
        second: Indices of the images that are looked for.

    Yields:
        One match at most for each of `second`, in their order. Time grows with the product of the
        sizes of both parts, memory with the size of a block.
    """
    first, second = np.asarray(first, np.int64), np.asarray(second, np.int64)
    for start in range(0, len(second), _BLOCK[0]):
        wanted = second[start : start + _BLOCK[0]]
        best = np.full(len(wanted), -1.0, np.float32)
        partner = np.full(len(wanted), -1, np.int64)
        for begin in range(0, len(first), _BLOCK[1]):
            there = first[begin : begin + _BLOCK[1]]
            similar = vectors_NW[wanted] @ vectors_NW[there].T
            i, j = np.nonzero(similar >= LEAST_CORRELATION)
            near = _hamming(bits_NB[wanted[i]], bits_NB[there[j]]) <= MOST_BITS
            i, j = i[near], j[near]
            found = similar[i, j]
            order = np.argsort(found, kind="stable")  # so that the best one is written last
            i, j, found = i[order], j[order], found[order]
            better = found > best[i]
            best[i[better]] = found[better]
            partner[i[better]] = there[j[better]]
        for index in np.flatnonzero(partner >= 0):
            yield Match(int(partner[index]), int(wanted[index]), min(1.0, float(best[index])))


def _hamming(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Count the bits in which hashes differ."""
    counts = np.bitwise_count(one ^ other)
    return np.asarray(counts.sum(axis=-1, dtype=np.int64))
