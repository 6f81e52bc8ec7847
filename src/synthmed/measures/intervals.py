"""95 % intervals that resample groups (patients), never images.

Means, rates and AUROC: bootstrap over groups. Distances between distributions and neighbour
metrics need the jackknife of ``synthmed.measures.jackknife``: drawing with replacement puts
copies into a sample and so biases every statistic of pairs (the unbiased KID of equal
distributions got an interval of [0.035, 0.061]).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from synthmed.errors import SynthmedError

LEVEL = 0.95


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson score interval of a rate (Wilson 1927).

    Args:
        k: Number of hits.
        n: Number of trials, at least 1.

    Returns:
        Lower and upper end of the 95 % interval, in [0, 1].

    Raises:
        SynthmedError: No trials, or more hits than trials.
    """
    if not 0 <= k <= n or n == 0:
        raise SynthmedError(f"{k} of {n} is no rate")
    z = float(norm.ppf(0.5 + LEVEL / 2))
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * float(np.sqrt(k * (n - k) / n + z * z / 4))
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap_groups(
    statistic: Callable[..., float],
    arrays: Sequence[Any],
    groups: Sequence[object] | NDArray[Any] | None,
    n: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Expanded percentile interval of a statistic, groups drawn with replacement.

    For means, rates, AUROC, and paired differences of these. Plain percentiles (Efron 1979) are
    too narrow for few groups; with G groups they are taken at ``Φ(∓ t √(G / (G - 1)))``, t being
    Student's with G - 1 degrees of freedom (Hesterberg 2015, section 5.3).

    Args:
        statistic: Takes the arrays and returns a number; not-a-number where it is undefined
            (an AUROC without a positive case), such draws are left out.
        arrays: Arrays with one row an image, all of the same length.
        groups: The group of each row; None takes each row as a group.
        n: Number of draws.
        seed: Seeds the draws.

    Returns:
        The ends of the 95 % interval.

    Raises:
        SynthmedError: Lengths that differ, a single group, or a statistic that is undefined in
            more than half of the draws.
    """
    tables = [np.asarray(array) for array in arrays]
    members = _members(groups, len(tables[0]))
    if any(len(table) != len(tables[0]) for table in tables) or len(members) < 2:
        raise SynthmedError("a bootstrap needs arrays of one length and at least two groups")
    rng = np.random.default_rng(seed)
    values = np.empty(n)
    for i in range(n):
        drawn = rng.integers(len(members), size=len(members))
        rows = np.concatenate([members[j] for j in drawn])
        values[i] = statistic(*(table[rows] for table in tables))
    values = values[np.isfinite(values)]
    if len(values) < n / 2:
        raise SynthmedError("the statistic is undefined in most of the bootstrap's draws")
    return expanded_percentiles(values, len(members))


def expanded_percentiles(values: NDArray[np.float64], groups: int) -> tuple[float, float]:
    """The ends of a 95 % interval of a bootstrap's draws, as wide as few groups ask for.

    Args:
        values: (B,) finite values of the draws.
        groups: Number of groups that were drawn from, at least 2.

    Returns:
        The percentiles at ``Φ(∓ t √(G / (G - 1)))`` (Hesterberg 2015, section 5.3).
    """
    tail = norm.cdf(-t.ppf(0.5 + LEVEL / 2, groups - 1) * np.sqrt(groups / (groups - 1)))
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return float(low), float(high)


def _members(groups: Any, n: int) -> list[NDArray[np.int64]]:
    """Rows of each group."""
    if groups is None:
        return list(np.arange(n)[:, None])
    if len(groups) != n:
        raise SynthmedError(f"{len(groups)} groups for {n} rows")
    _, codes = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
