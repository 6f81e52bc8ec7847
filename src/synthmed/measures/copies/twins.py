"""Training images that occur more than once, under whatever patient: they count as one patient.

A copy stands out from the training images of *other* patients. Were the same picture filed under
two patients, its copies would not stand out, and it is the repeated pictures that generators
remember best.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthmed.measures.copies.prepare import Float32
from synthmed.measures.copies.search import BLOCK, Index

ALIKE = 0.99
"""Mean correlation over all descriptions, each without its sign, from which two training images
are the same picture; its negative is the same picture, too."""


def merged(groups: Index, described: Mapping[str, Float32]) -> Index:
    """Joins the patients who share a picture.

    Args:
        groups: (T,) number of each training image's patient.
        described: (T, D) unit vectors by description.

    Returns:
        (T,) numbers of patients, joined ones equal.
    """
    count, joined = len(groups), groups.copy()
    step = max(1, BLOCK // count)
    for start in range(0, count, step):
        alike = np.zeros((min(step, count - start), count), np.float32)
        for rows in described.values():
            alike += np.abs(rows[start : start + step] @ rows.T)
        for i, j in np.argwhere(alike >= ALIKE * len(described)).tolist():
            a, b = joined[start + i], joined[j]
            if a != b:
                joined[joined == max(a, b)] = min(a, b)
    return joined
