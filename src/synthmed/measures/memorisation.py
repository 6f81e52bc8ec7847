"""Do synthetic images lie nearer to the training images than real images do?

Three tests on distances: authenticity (Alaa et al. 2022), the data-copying test C_T (Meehan et
al. 2020), and the share of synthetic images that are closer to train than to hold-out. They
count; which image is a copy of which is told by nearest neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.authenticity import Share, authentic, authenticity
from synthmed.measures.data_copying import DataCopying, data_copying
from synthmed.measures.intervals import bootstrap_groups, wilson

__all__ = [
    "DataCopying",
    "Share",
    "authentic",
    "authenticity",
    "closer_share",
    "data_copying",
]

FLIPS = 10_000


def closer_share(to_train: Any, to_holdout: Any, groups: Any = None, seed: int = 0) -> Share:
    """Share of synthetic images that are closer to train than to hold-out.

    One half where the generator has kept nothing, if train and hold-out are of one source and
    one size (cut them by ``equal_n``). Images equally far from both count half. The test turns
    the sides of whole groups round at random (10,000 times): under its null hypothesis each
    group is as likely to lean to train as to hold-out, by as much.

    Args:
        to_train: (N,) distance of each synthetic image to its nearest training image.
        to_holdout: (N,) distance to its nearest hold-out image.
        groups: (N,) what leans as one. The patient of the nearer of the two real images makes
            the test exact for a random split of patients: a single typical patient that draws
            many synthetic images then counts once. None: each image by itself.
        seed: Seeds test and bootstrap.

    Returns:
        The share, its interval (bootstrap over groups; Wilson without groups and ties), the
        p-value and the number of ties.

    Raises:
        SynthmedError: Distances that do not fit, no images, or values that are not finite.
    """
    a, b = np.asarray(to_train, dtype=np.float64), np.asarray(to_holdout, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise SynthmedError(f"distances of shapes {a.shape} and {b.shape} cannot be compared")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise SynthmedError("distances that are not finite")
    score = 0.5 + 0.5 * np.sign(b - a)
    ties = int((a == b).sum())
    names = np.arange(len(a)) if groups is None else np.asarray(groups)
    if len(names) != len(a):
        raise SynthmedError(f"{len(names)} groups for {len(a)} images")
    _, codes = np.unique(names.astype(str), return_inverse=True)
    value = float(score.mean())
    p = _sign_flips(np.bincount(codes, score - 0.5).astype(np.float64), seed)
    if groups is None and ties == 0:
        ends = wilson(int(score.sum()), len(a))
    elif codes.max() == 0:
        ends = (0.0, 1.0)  # a single group tells nothing
    else:
        ends = bootstrap_groups(np.mean, [score], names, seed=seed)
    return Share(value, *ends, len(a), p, ties)


def _sign_flips(leans: Array, seed: int) -> float:
    """Two-sided p-value of a sum of group leans against random signs.

    Groups that lean by the same amount are drawn together: their sum is a binomial number.
    """
    sizes, counts = np.unique(np.abs(leans[leans != 0.0]), return_counts=True)
    if len(sizes) == 0:
        return 1.0
    drawn = np.random.default_rng(seed).binomial(counts, 0.5, (FLIPS, len(sizes)))
    sums = np.abs((2 * drawn - counts) @ sizes)
    as_far = sums >= abs(leans.sum()) * (1.0 - 1e-9)
    return float((1 + as_far.sum()) / (1 + FLIPS))
