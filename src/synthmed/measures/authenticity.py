"""Authenticity: is an image farther from the training images than these are from each other?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features
from synthmed.measures.jackknife import deal, interval, left_out_sets
from synthmed.measures.search import nearest


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
    groups = _group_codes(train_groups, len(train))
    return _Nearest.of(synthetic, train, groups, np.zeros(len(train), np.int64)).authentic()


def authenticity(
    synthetic: Any,
    train: Any,
    train_groups: Any = None,
    synthetic_groups: Any = None,
    blocks: int = 20,
) -> Share:
    """Share of synthetic images that are authentic; see ``authentic``.

    Args:
        synthetic: (N, D) features.
        train: (T, D) features.
        train_groups: (T,) patients; None takes each image as one.
        synthetic_groups: (N,) groups; None takes each image as one.
        blocks: Blocks of the jackknife; fewer where there are fewer groups.

    Returns:
        The share, with an interval over other training and other synthetic images: the grouped
        delete-a-group jackknife. Fresh images of the same distribution are not all authentic: the
        share is that of points which are not the nearest neighbour of their nearest neighbour, 1/3
        in one dimension and towards 1/2 in many. So compare it with the share of hold-out images.

    Raises:
        SynthmedError: As for ``authentic``, or fewer than four groups on either side.
    """
    made, train = as_features(synthetic, "synthetic"), as_features(train, "train", rows=2)
    groups = _group_codes(train_groups, len(train))
    dealt, count = deal((made, synthetic_groups), (train, train_groups), blocks=blocks)
    found = _Nearest.of(made, train, groups, dealt[1])
    shares = []
    for left_out in left_out_sets(count):
        kept = ~np.isin(dealt[0], left_out)
        shares.append(float(found.authentic(left_out)[kept].mean()))
    low, high = interval(shares, count)
    return Share(shares[0], max(0.0, low), min(1.0, high), len(made))


@dataclass(frozen=True)
class _Nearest:
    """Nearest training images block by block, so that blocks can be left out at no cost.

    Attributes:
        distance: (N, B) distance of each synthetic image to the nearest image of each block.
        match: (N, B) that image.
        own: (T, B) distance of each training image to the nearest one of another patient.
    """

    distance: Array
    match: NDArray[np.int64]
    own: Array

    @classmethod
    def of(
        cls, made: Any, train: Array, groups: NDArray[Any], block: NDArray[np.int64]
    ) -> _Nearest:
        """Search each block of the training images (T, D); ``block`` (T,) counts from 0."""
        found, matches, own = [], [], []
        for number in range(int(block.max()) + 1):
            rows = np.flatnonzero(block == number)
            distance, match = nearest(made, train[rows], k=1)
            found.append(distance[:, 0])
            matches.append(rows[match[:, 0]])
            own.append(nearest(train, train[rows], k=1, apart=(groups, groups[rows]))[0][:, 0])
        every = cls(np.stack(found, axis=1), np.stack(matches, axis=1), np.stack(own, axis=1))
        if not np.isfinite(every.own.min(axis=1)).all():
            raise SynthmedError("training images of a single group have no neighbour of another")
        return every

    def authentic(self, left_out: tuple[int, ...] = ()) -> NDArray[np.bool_]:
        """(N,) which images are authentic without some blocks of the training images."""
        kept = np.setdiff1d(np.arange(self.distance.shape[1]), left_out)
        distance = self.distance[:, kept]
        every, best = np.arange(len(distance)), distance.argmin(axis=1)
        match = self.match[:, kept][every, best]
        own = self.own[:, kept].min(axis=1)[match]
        return np.asarray(distance[every, best] > own)


def _group_codes(groups: Any, count: int) -> NDArray[Any]:
    names = np.arange(count) if groups is None else np.asarray(groups)
    if len(names) != count:
        raise SynthmedError(f"{len(names)} groups for {count} training images")
    return names
