"""Name real images that are nearly the same as a training image of another patient."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from synthmed.datasets.validation.fingerprints import Fingerprint, fingerprint
from synthmed.datasets.validation.near_duplicates import best_matches
from synthmed.evaluation.sides import Side


def name_near_duplicates(real: Side, train: Side, warnings: list[str]) -> None:
    """Warn of near-duplicates, found as `synthmed validate` finds them between splits.

    Args:
        real: The real images.
        train: The generator's training images.
        warnings: What is found is added, with its number.
    """
    prints = list(chain(_fingerprints(train), _fingerprints(real)))
    vectors = np.stack([each.vector for each in prints])
    bits = np.stack([each.bits for each in prints])
    known, asked = np.arange(len(train)), np.arange(len(train), len(prints))
    found = list(best_matches(vectors, bits, known, asked))
    if found:
        warnings.append(
            f"{len(found)} of {len(real)} real images are nearly the same as a training image "
            f"(best correlation {max(match.correlation for match in found):.3f}): they flatter "
            "the generator and blur the search for copies; synthmed validate lists such pairs"
        )


def _fingerprints(side: Side) -> Iterator[Fingerprint]:
    """Fingerprints of a side's images, in order."""
    for batch in side.batches():
        yield from map(fingerprint, batch)
