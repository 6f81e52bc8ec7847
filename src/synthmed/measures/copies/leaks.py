"""Hold-out images that are training images, or look like copies of them: duplicates, leaks."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SafetyError
from synthmed.measures.copies.prepare import Prepared

EQUAL = 0.1
"""Share of hold-out images that are training images, or look like copies of them, above which
nothing can be calibrated; a single one never stops the audit."""
_MEND = "Split by patient and remove duplicates"
_NAMED = 3


def different(holdout: Prepared, train: Prepared) -> NDArray[np.bool_]:
    """Finds hold-out images that equal a training image.

    Args:
        holdout: H images.
        train: Training images.

    Returns:
        (H,) whether the image equals no training image; others are named in a warning.

    Raises:
        SafetyError: More than 10 % are equal.
    """
    digests = {hashlib.blake2b(image.tobytes()).digest() for image in train.grey}
    equal = np.asarray([hashlib.blake2b(x.tobytes()).digest() in digests for x in holdout.grey])
    count = int(equal.sum())
    said = f"{count} of {len(equal)} hold-out images equal training images"
    if count > max(1.0, EQUAL * len(equal)):
        raise SafetyError(said, mend=_MEND)
    if count:
        warnings.warn(f"{said} and are left out", stacklevel=4)
    return ~equal


def report_suspects(suspects: Sequence[tuple[int, int]], count: int) -> None:
    """Names hold-out images that look like copies, in a warning.

    Args:
        suspects: (hold-out row, training row) of each.
        count: Number of hold-out images.

    Raises:
        SafetyError: More than 10 % look like copies.
    """
    said = f"{len(suspects)} of {count} hold-out images look like copies of training images"
    if len(suspects) > max(1.0, EQUAL * count):
        where = f"hold-out row {suspects[0][0]}, training row {suspects[0][1]}"
        raise SafetyError(said, where=where, mend=_MEND)
    if suspects:
        named = ", ".join(f"{row} and {source}" for row, source in suspects[:_NAMED])
        named += ", ..." if len(suspects) > _NAMED else ""
        warnings.warn(
            f"{said} (hold-out and training rows {named}); they count as false alarms", stacklevel=5
        )
