"""Measured numbers with their intervals, as they stand in a report."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Settings
from synthmed.measures.intervals import bootstrap_groups

Estimate = dict[str, Any]
"""`value`, `low`, `high`, `n_real`, `n_synthetic`, `extractor`, `preprocessing`."""
_SHUFFLES = 101


def estimate(
    value: float,
    ends: tuple[float, float] | None,
    counts: tuple[int, int],
    ids: tuple[str, str],
) -> Estimate:
    """Put a measured number down.

    Args:
        value: The number.
        ends: Ends of its 95 % interval; None where there is none.
        counts: Numbers of real and of synthetic images.
        ids: Extractor and preprocessing.
    """
    low, high = ends if ends is not None and all(map(math.isfinite, ends)) else (None, None)
    return {
        "value": round(float(value), 6),
        "low": None if low is None else round(float(low), 6),
        "high": None if high is None else round(float(high), 6),
        "n_real": counts[0],
        "n_synthetic": counts[1],
        "extractor": ids[0],
        "preprocessing": ids[1],
    }


def ends_over_groups(
    statistic: Callable[..., float],
    arrays: Sequence[Any],
    groups: npt.NDArray[Any],
    settings: Settings,
) -> tuple[float, float] | None:
    """Bootstrap a statistic over groups; None where it is undefined in most draws."""
    try:
        return bootstrap_groups(statistic, arrays, groups, settings.bootstraps, settings.seed)
    except SynthmedError:
        return None


def shown(number: Mapping[str, Any] | None, digits: int = 2) -> str:
    """A number with its interval for a table: "0.91 [0.85, 0.96]"; "–" where there is none."""
    if number is None:
        return "–"
    value = f"{number['value']:.{digits}f}"
    if number.get("low") is None:
        return value
    return f"{value} [{number['low']:.{digits}f}, {number['high']:.{digits}f}]"


def sampled(groups: npt.NDArray[Any], most: int, seed: int) -> npt.NDArray[np.int64]:
    """Give the rows of whole groups, drawn until there are `most` rows; all if there are fewer."""
    if len(groups) <= most:
        return np.arange(len(groups))
    names, code = np.unique(groups, return_inverse=True)
    place = np.empty(len(names), np.int64)
    place[np.random.default_rng(seed).permutation(len(names))] = np.arange(len(names))
    order = np.argsort(place[code], kind="stable")
    return np.sort(order[:most])


def shuffled_answers(
    answers: npt.NDArray[Any], statistic: Callable[[Any], float], seed: int
) -> npt.NDArray[Any]:
    """Shuffle answers for a control: of 101 permutations the one with the median statistic.

    A single permutation would be above or below chance by luck.
    """
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(answers) for _ in range(_SHUFFLES)]
    order = np.argsort([statistic(each) for each in drawn], kind="stable")
    return drawn[order[_SHUFFLES // 2]]
