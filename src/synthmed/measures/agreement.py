"""How well scores agree with labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

from synthmed.errors import SynthmedError


def auroc(labels: Any, scores: Any) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney U; Hanley and McNeil 1982).

    The probability that a random positive case scores above a random negative one; ties count
    one half.

    Args:
        labels: (N,) of 0 and 1 (or booleans).
        scores: (N,) numbers, high for positive.

    Returns:
        The area in [0, 1]; not-a-number if one of the two classes is absent.

    Raises:
        SynthmedError: Lengths that differ, other labels, or scores that are not finite.
    """
    truth, values = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if truth.shape != values.shape or truth.ndim != 1:
        raise SynthmedError(f"labels of shape {truth.shape} for scores of shape {values.shape}")
    if not ((truth == 0) | (truth == 1)).all() or not np.isfinite(values).all():
        raise SynthmedError("AUROC needs labels of 0 and 1 and finite scores")
    positive = truth.astype(bool)
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((rankdata(values)[positive].sum() - n * (n + 1) / 2) / (n * m))
