"""95 % intervals by leaving out blocks of groups: for distances and neighbour metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from synthmed.errors import SynthmedError
from synthmed.measures.intervals import LEVEL

Sample = tuple[Any, Sequence[object] | NDArray[Any] | None]
"""Rows of one sample, and the group of each row (None: each row is a group)."""


def jackknife_groups(
    statistic: Callable[..., float], *samples: Sample, blocks: int = 20
) -> tuple[float, float]:
    """Delete-a-group jackknife of a statistic of one or several samples.

    The groups are dealt into blocks of about equal size; the statistic is computed anew without
    each block, of all samples at once. A group name that occurs in several samples (a patient
    and the edits of the patient's images; the same prompt in two synthetic sets) falls into one
    block, so that pairs stay together. See ``interval`` for what is made of the values.

    Args:
        statistic: Takes the rows of each sample and returns a number.
        *samples: (rows, groups) pairs; groups None takes each row as a group of its own.
        blocks: Number of blocks; fewer if a sample has fewer groups.

    Returns:
        The ends of the 95 % interval, centred on the statistic of the whole samples.

    Raises:
        SynthmedError: A sample of fewer than four groups.
    """
    rows = [np.asarray(sample[0]) for sample in samples]
    dealt, blocks = deal(*samples, blocks=blocks)

    def without(left_out: tuple[int, ...]) -> float:
        kept = [~np.isin(block, left_out) for block in dealt]
        return float(statistic(*(x[keep] for x, keep in zip(rows, kept, strict=True))))

    return interval([without(left_out) for left_out in left_out_sets(blocks)], blocks)


def left_out_sets(blocks: int) -> list[tuple[int, ...]]:
    """What ``interval`` needs: nothing left out, each block, and disjoint pairs of blocks."""
    pairs = [(i, i + 1) for i in range(0, blocks // 2 * 2, 2)]
    return [(), *((i,) for i in range(blocks)), *pairs]


def interval(values: Sequence[float] | NDArray[Any], blocks: int) -> tuple[float, float]:
    """95 % interval from a statistic without each of ``left_out_sets(blocks)``.

    The interval is value ± t · s.e. with blocks - 1 degrees of freedom. Between equal
    distributions kernel, Fréchet and neighbour statistics are degenerate: blocks act in pairs
    only and the plain jackknife variance is about twice too large (Efron and Stein 1981). The
    interaction of blocks / 2 disjoint pairs is therefore estimated and taken away (their
    equation 5.9), never more than a third of the variance, which keeps the interval safe for
    neighbour metrics, whose interactions are noisy.

    Args:
        values: The statistic without each set, in the order of ``left_out_sets``.
        blocks: Number of blocks.

    Returns:
        The ends of the interval, centred on the first value.
    """
    value, single = float(values[0]), np.asarray(values[1 : blocks + 1], dtype=np.float64)
    double = np.asarray(values[blocks + 1 :], dtype=np.float64)
    variance = (blocks - 1) * single.var()
    pairs = np.arange(blocks // 2 * 2).reshape(-1, 2)
    interaction = blocks * value - (blocks - 1) * single[pairs].sum(axis=1) + (blocks - 2) * double
    variance = max(variance - 0.5 * interaction.var(ddof=1), variance * 2.0 / 3.0)
    half = float(t.ppf(0.5 + LEVEL / 2, blocks - 1) * np.sqrt(variance))
    return value - half, value + half


def deal(*samples: Sample, blocks: int = 20) -> tuple[list[NDArray[np.int64]], int]:
    """Deals the groups of samples into blocks.

    Args:
        *samples: (rows, groups) pairs; groups None takes each row as a group of its own.
        blocks: Number of blocks; fewer if a sample has fewer groups.

    Returns:
        The block of each row of each sample, and the number of blocks.

    Raises:
        SynthmedError: A sample of fewer than four groups, or groups that do not fit the rows.
    """
    dealt = _deal([_names(i, *sample) for i, sample in enumerate(samples)], blocks)
    return dealt, 1 + max(int(block.max()) for block in dealt)


def jackknife_difference(
    statistic: Callable[[Any, Any], float], real: Sample, a: Sample, b: Sample, blocks: int = 20
) -> tuple[float, float]:
    """Interval of ``statistic(real, a) - statistic(real, b)``, both against one real set.

    The claim "a is no worse than b by more than a margin" holds when the upper end lies below
    the margin. Images of ``a`` and ``b`` made from the same prompt and seed are compared in
    pairs if their groups bear the same name.

    Args:
        statistic: Takes real and synthetic rows and returns a number, low for good.
        real: Rows and groups of the real set.
        a: Rows and groups of the first synthetic set.
        b: Rows and groups of the second synthetic set.
        blocks: Number of blocks.

    Returns:
        The ends of the 95 % interval.

    Raises:
        SynthmedError: A sample of fewer than four groups.
    """

    def difference(real: Any, a: Any, b: Any) -> float:
        return statistic(real, a) - statistic(real, b)

    return jackknife_groups(difference, real, a, b, blocks=blocks)


def _names(sample: int, rows: Any, groups: Any) -> NDArray[np.str_]:
    """Name of the group of each row; rows without groups get names that no other sample has."""
    names = [f"row {i} of sample {sample}" for i in range(len(rows))] if groups is None else groups
    if len(names) != len(rows):
        raise SynthmedError(f"{len(names)} groups for {len(rows)} rows")
    return np.asarray(names).astype(str)


def _deal(names: list[NDArray[np.str_]], blocks: int) -> list[NDArray[np.int64]]:
    """Block of each row of each sample: large groups first, each into the emptiest block."""
    unique = np.unique(np.concatenate(names))
    codes = [np.searchsorted(unique, name) for name in names]
    counts = np.stack([np.bincount(code, minlength=len(unique)) for code in codes], axis=1)
    blocks = min([blocks, *(counts > 0).sum(axis=0).tolist()])
    if blocks < 4:
        raise SynthmedError(
            f"a jackknife over {blocks} groups gives no interval",
            mend="Use at least four groups (patients) on each side, better twenty",
        )
    share = counts / counts.sum(axis=0)
    order = np.random.default_rng(0).permutation(len(unique))
    order = order[np.argsort(-share[order].max(axis=1), kind="stable")]
    load, block = np.zeros((blocks, len(names))), np.empty(len(unique), dtype=np.int64)
    for group in order:
        block[group] = (load @ (share[group] > 0)).argmin()
        load[block[group]] += share[group]
    return [block[code] for code in codes]
