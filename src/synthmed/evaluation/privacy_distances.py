"""Nearest neighbours in feature space: closer to the training images than to others, or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context, Features
from synthmed.evaluation.privacy_searches import Index, Search, equal_sizes
from synthmed.measures.memorisation import authenticity, closer_share, data_copying
from synthmed.measures.search import nearest

Array = npt.NDArray[np.float64]
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95)
_CELLS, _PER_CELL = 10, 40


@dataclass(frozen=True)
class Neighbours:
    """Distances between the sides within types, training and hold-out cut to equal size.

    Attributes:
        nearest: (n, 2) nearest and second-nearest distances: "synthetic to training",
            "hold-out to training", "synthetic to hold-out".
        groups: (N,) patient (within the type) of the real image that is nearest to each
            synthetic one.
        n_train: Training images.
        n_holdout: Hold-out images.
    """

    nearest: dict[str, Array]
    groups: npt.NDArray[np.str_]
    n_train: int
    n_holdout: int


def neighbours(context: Context, parts: Sequence[Search]) -> Neighbours:
    """Find the neighbours of each search's synthetic images.

    Args:
        context: With `train` and `holdout`.
        parts: The searches.
    """
    assert context.train is not None
    assert context.holdout is not None
    sides = (context.synthetic, context.train, context.holdout)
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
    joined = {name: np.concatenate(values) for name, values in distances.items()}
    return Neighbours(joined, np.asarray(groups), int(sizes[0]), int(sizes[1]))


def measure_distances(
    context: Context, parts: Sequence[Search], found: Neighbours
) -> tuple[dict[str, Any], list[str]]:
    """Measure what the distances tell.

    Args:
        context: With `train` and `holdout`.
        parts: The searches.
        found: What `neighbours` gave.

    Returns:
        `closer_to_train`, `authenticity`, `c_t`, `distances`; None for what cannot be measured,
        and the reasons.
    """
    features = context.features(context.synthetic)
    reasons: list[str] = []
    data: dict[str, Any] = {name: quantiles(pairs) for name, pairs in found.nearest.items()}
    tasks: dict[str, Callable[[], dict[str, Any]]] = {
        "closer_to_train": lambda: _closer(found, context.settings.seed),
        "authenticity": lambda: _authenticity(context, parts),
        "c_t": lambda: _data_copying(context, parts),
    }
    measured: dict[str, Any] = {"distances": data}
    for name, task in tasks.items():
        try:
            measured[name] = task() | _ids(features)
        except SynthmedError as error:
            measured[name] = None
            reasons.append(f"{name}: {error}")
    return measured, reasons


def quantiles(values: Array) -> dict[str, dict[str, float]]:
    """Quantiles of nearest and second-nearest distances (n, 2)."""
    return {
        name: {f"{q:g}": float(np.quantile(values[:, column], q)) for q in QUANTILES}
        for column, name in enumerate(("nearest", "second"))
    }


def _closer(found: Neighbours, seed: int) -> dict[str, Any]:
    to_train = found.nearest["synthetic to training"][:, 0]
    to_holdout = found.nearest["synthetic to hold-out"][:, 0]
    share = closer_share(to_train, to_holdout, groups=found.groups, seed=seed)
    return {
        "value": share.value,
        "low": share.low,
        "high": share.high,
        "p_value": share.p,
        "ties": share.ties,
        "n_real": found.n_train + found.n_holdout,
        "n_synthetic": share.n,
        "n_train": found.n_train,
        "n_holdout": found.n_holdout,
    }


def _authenticity(context: Context, parts: Sequence[Search]) -> dict[str, Any]:
    made, known, _ = _rows(parts)
    assert context.train is not None
    share = authenticity(
        context.features(context.synthetic).values[made],
        context.features(context.train).values[known],
        context.train.groups[known],
        context.synthetic.groups[made],
    )
    ends = {"value": share.value, "low": share.low, "high": share.high}
    return {**ends, "n_real": len(known), "n_synthetic": share.n}


def _data_copying(context: Context, parts: Sequence[Search]) -> dict[str, Any]:
    made, known, held = _rows(parts)
    assert context.train is not None
    assert context.holdout is not None
    cells = max(1, min(_CELLS, min(len(made), len(held)) // _PER_CELL))
    found = data_copying(
        context.features(context.synthetic).values[made],
        context.features(context.holdout).values[held],
        context.features(context.train).values[known],
        cells=cells,
        synthetic_groups=context.synthetic.groups[made],
        holdout_groups=context.holdout.groups[held],
        seed=context.settings.seed,
    )
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "cells": found.cells,
        "covered": found.covered,
        "n_real": found.n_holdout,
        "n_synthetic": found.n_synthetic,
        "n_train": len(known),
    }


def _ids(features: Features) -> dict[str, str]:
    return {"extractor": features.id, "preprocessing": features.preprocessing}


def _cut(context: Context, part: Search) -> tuple[Index, Index]:
    """The search's training and hold-out rows, cut to equal size by whole patients."""
    assert context.train is not None
    assert context.holdout is not None
    groups = (context.train.groups[part.train], context.holdout.groups[part.holdout])
    first, second = equal_sizes(*groups, context.settings.seed)
    return part.train[first], part.holdout[second]


def _rows(parts: Sequence[Search]) -> tuple[Index, Index, Index]:
    """Rows of the three sides that any search uses."""
    made = np.unique(np.concatenate([part.synthetic for part in parts]))
    known = np.unique(np.concatenate([part.train for part in parts]))
    return made, known, np.unique(np.concatenate([part.holdout for part in parts]))
