"""Nearest neighbours in feature space: closer to the training images than to others, or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context, Features
from synthmed.evaluation.privacy_neighbours import Neighbours
from synthmed.evaluation.privacy_searches import Index, Search, searched
from synthmed.measures.memorisation import authenticity, closer_share, data_copying

Array = npt.NDArray[np.float64]
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95)
_CELLS, _PER_CELL = 10, 40


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
    features = context.features(searched(context))
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
        "share_of_train": found.n_train / found.n_every,
    }


def _authenticity(context: Context, parts: Sequence[Search]) -> dict[str, Any]:
    """Authenticity of the synthetic images, and of the hold-out images beside it."""
    made, known, held = _rows(parts)
    assert context.train is not None
    assert context.holdout is not None
    train = context.features(context.train).values[known]
    entries = []
    for side, rows in ((searched(context), made), (context.holdout, held)):
        share = authenticity(
            context.features(side).values[rows],
            train,
            context.train.groups[known],
            side.groups[rows],
            blocks=context.settings.blocks,
        )
        ends = {"value": share.value, "low": share.low, "high": share.high}
        entries.append({**ends, "n_real": len(known), "n": share.n})
    entries[0]["n_synthetic"] = entries[0].pop("n")
    return {**entries[0], "holdout": entries[1]}


def _data_copying(context: Context, parts: Sequence[Search]) -> dict[str, Any]:
    made, known, held = _rows(parts)
    assert context.train is not None
    assert context.holdout is not None
    cells = max(1, min(_CELLS, min(len(made), len(held)) // _PER_CELL))
    found = data_copying(
        context.features(searched(context)).values[made],
        context.features(context.holdout).values[held],
        context.features(context.train).values[known],
        cells=cells,
        synthetic_groups=searched(context).groups[made],
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


def _rows(parts: Sequence[Search]) -> tuple[Index, Index, Index]:
    """Rows of the three sides that any search uses."""
    made = np.unique(np.concatenate([part.synthetic for part in parts]))
    known = np.unique(np.concatenate([part.train for part in parts]))
    return made, known, np.unique(np.concatenate([part.holdout for part in parts]))
