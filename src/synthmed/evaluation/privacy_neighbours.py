"""The nearest real images of synthetic ones, among training and hold-out images cut alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_searches import Index, Search, searched
from synthmed.evaluation.privacy_sizes import equal_sizes
from synthmed.measures.search import nearest

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Neighbours:
    """Distances between the sides within types, training and hold-out cut to one size.

    Attributes:
        nearest: (n, 2) nearest and second-nearest distances: "synthetic to training",
            "hold-out to training", "synthetic to hold-out".
        groups: (N,) patient (within the type) of the real image that is nearest to each
            synthetic one.
        n_train: Training images that were compared.
        n_holdout: Hold-out images that were compared.
        n_every: Training images before they were cut.
    """

    nearest: dict[str, Array]
    groups: npt.NDArray[np.str_]
    n_train: int
    n_holdout: int
    n_every: int


def neighbours(context: Context, parts: Sequence[Search]) -> Neighbours:
    """Find the neighbours of each search's synthetic images.

    Args:
        context: With `train` and `holdout`.
        parts: The searches whose sides are comparable.

    Raises:
        SynthmedError: There are none.
    """
    assert context.train is not None
    assert context.holdout is not None
    if not parts:
        raise SynthmedError("no image type has both training and hold-out images")
    sides = (searched(context), context.train, context.holdout)
    made, known, held = (context.features(side).values for side in sides)
    names = ("synthetic to training", "hold-out to training", "synthetic to hold-out")
    distances: dict[str, list[Array]] = {name: [] for name in names}
    groups: list[str] = []
    sizes = np.zeros(2, np.int64)
    for part in parts:
        train, holdout = _cut(context, part)
        sizes += [len(train), len(holdout)]
        own, t, h = made[part.synthetic], known[train], held[holdout]
        to_train, first = nearest(own, t, k=2)
        to_holdout, second = nearest(own, h, k=2)
        found = (to_train, nearest(h, t, k=2)[0], to_holdout)
        for name, values in zip(names, found, strict=True):
            distances[name].append(values)
        patients = np.where(
            to_train[:, 0] <= to_holdout[:, 0],
            context.train.groups[train[first[:, 0]]],
            context.holdout.groups[holdout[second[:, 0]]],
        )
        groups += [f"{part.kind}|{patient}" for patient in patients]
    every = sum(len(part.train) for part in parts)
    joined = {name: np.concatenate(values) for name, values in distances.items()}
    return Neighbours(joined, np.asarray(groups), int(sizes[0]), int(sizes[1]), every)


def _cut(context: Context, part: Search) -> tuple[Index, Index]:
    """The search's training and hold-out rows, cut to equal numbers of patients and images."""
    assert context.train is not None
    assert context.holdout is not None
    groups = (context.train.groups[part.train], context.holdout.groups[part.holdout])
    first, second = equal_sizes(*groups, context.settings.seed)
    return part.train[first], part.holdout[second]
