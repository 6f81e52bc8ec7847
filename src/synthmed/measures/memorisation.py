"""Do synthetic images lie nearer to the training images than real images do?

Three tests on distances: authenticity (Alaa et al. 2022), the data-copying test C_T (Meehan et
al. 2020), and the share of synthetic images that are closer to train than to hold-out. They
count; which image is a copy of which is told by nearest neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features
from synthmed.measures.data_copying import DataCopying, data_copying
from synthmed.measures.intervals import bootstrap_groups, wilson
from synthmed.measures.search import nearest

__all__ = [
    "DataCopying",
    "Share",
    "authentic",
    "authenticity",
    "closer_share",
    "data_copying",
]

FLIPS = 10_000


@dataclass(frozen=True)
class Share:
    """A share of images with its 95 % interval.

    Attributes:
        value: The share.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Number of images.
        p: Two-sided p-value against one half; None where nothing is tested.
        ties: Images equally far from both sides.
    """

    value: float
    low: float
    high: float
    n: int
    p: float | None = None
    ties: int = 0


def authentic(synthetic: Any, train: Any, train_groups: Any = None) -> NDArray[np.bool_]:
    """Which synthetic images are authentic (Alaa et al. 2022, section 4.3).

    An image is authentic if it is farther from its nearest training image than that one is
    from its own nearest training image. Where an image's copies lie nearer than real images
    lie to each other, it is not.

    Args:
        synthetic: (N, D) features.
        train: (T, D) features, T at least 2.
        train_groups: (T,) patients; the training image's own neighbour is then one of another
            patient, so that near-doubles within a patient hide no copy.

    Returns:
        (N,) booleans.

    Raises:
        SynthmedError: Too few training images, widths that differ, or a single patient.
    """
    train = as_features(train, "train", rows=2)
    distance, match = nearest(synthetic, train, k=1)
    groups = np.arange(len(train)) if train_groups is None else np.asarray(train_groups)
    own = nearest(train, train, k=1, apart=(groups, groups))[0][:, 0]
    if not np.isfinite(own).all():
        raise SynthmedError("training images of a single group have no neighbour of another")
    return np.asarray(distance[:, 0] > own[match[:, 0]])


def authenticity(
    synthetic: Any, train: Any, train_groups: Any = None, synthetic_groups: Any = None
) -> Share:
    """Share of synthetic images that are authentic; see ``authentic``.

    Args:
        synthetic: (N, D) features.
        train: (T, D) features.
        train_groups: (T,) patients.
        synthetic_groups: (N,) groups, drawn whole by the bootstrap; None: Wilson interval.

    Returns:
        The share, with an interval over synthetic images for these training images. Fresh images
        of the same distribution are not all authentic: the share is that of points which are not
        the nearest neighbour of their nearest neighbour, 1/3 in one dimension and towards 1/2 in
        many. So compare it with the share of hold-out images.

    Raises:
        SynthmedError: As for ``authentic``.
    """
    found = authentic(synthetic, train, train_groups)
    ends = wilson(int(found.sum()), len(found))
    if synthetic_groups is not None:
        ends = bootstrap_groups(np.mean, [found.astype(float)], synthetic_groups)
    return Share(float(found.mean()), *ends, len(found))


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
