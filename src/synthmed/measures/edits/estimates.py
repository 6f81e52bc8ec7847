"""A mean over images with its interval over patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.intervals import bootstrap_groups

SMALLEST_AUROC, SMALLEST_CORRELATION = 0.80, 0.50
"""A judge that does worse on real held-out patients measures nothing: answers, numbers."""


@dataclass(frozen=True)
class Estimate:
    """A mean or a rate.

    Attributes:
        value: The mean over images.
        low: Lower end of its 95 % interval (bootstrap over patients).
        high: Upper end.
        n: Number of images that count.
        patients: Number of their groups.
    """

    value: float
    low: float
    high: float
    n: int
    patients: int

    def to_dict(self) -> dict[str, float | int]:
        """The fields as plain values, for JSON."""
        return asdict(self)


def mean_over_patients(
    values: Any, groups: Sequence[object] | NDArray[Any], *, bootstraps: int = 1000, seed: int = 0
) -> Estimate:
    """Mean over the images for which a value is defined.

    Args:
        values: (N,) numbers; not-a-number where undefined, such images are left out.
        groups: Patient of each image.
        bootstraps: Draws of the bootstrap.
        seed: Seeds the draws.

    Returns:
        The mean with its interval.

    Raises:
        SynthmedError: Lengths that differ, infinite values, no defined value, or a single
            patient.
    """
    numbers, names = np.asarray(values, dtype=np.float64), np.asarray(groups).astype(str)
    if numbers.ndim != 1 or names.shape != numbers.shape:
        raise SynthmedError(f"values of shape {numbers.shape} for {len(names)} groups")
    if np.isinf(numbers).any():
        raise SynthmedError("values that are infinite have no mean")
    known = ~np.isnan(numbers)
    if not known.any():
        raise SynthmedError("the measure is undefined for every image")
    numbers, names = numbers[known], names[known]
    low, high = bootstrap_groups(np.mean, [numbers], names, n=bootstraps, seed=seed)
    return Estimate(float(numbers.mean()), low, high, len(numbers), len(np.unique(names)))


def as_scores(scores: Any, n: int | None = None, name: str = "scores") -> Array:
    """Checks the scores of a judge.

    Args:
        scores: (N,) finite numbers.
        n: How many there must be; None takes any number above 0.
        name: What the error message calls them.

    Returns:
        (N,) float64.

    Raises:
        SynthmedError: Another shape or number, or scores that are not finite.
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0 or (n is not None and len(array) != n):
        wanted = "(N,)" if n is None else f"({n},)"
        raise SynthmedError(f"{name} must have shape {wanted}, not {array.shape}")
    if not np.isfinite(array).all():
        raise SynthmedError(f"{name} hold values that are not finite")
    return array


def bad_judge(reached: float, what: str = "AUROC") -> str | None:
    """Why a judge may not judge.

    Args:
        reached: What it reaches on real held-out patients.
        what: "AUROC" (of an answer; .80 is needed) or "correlation" (of a number; .50).

    Returns:
        The reason, or None if it may.
    """
    needed = SMALLEST_AUROC if what == "AUROC" else SMALLEST_CORRELATION
    if reached >= needed:
        return None
    return (
        f"not measurable: the judge reaches a {what} of {reached:.2f} on real held-out "
        f"patients, {needed:.2f} is needed"
    )


def where_counted(counts: Any, values: Any) -> Array:
    """Values (N,), not-a-number for images that do not count."""
    return np.where(counts, np.asarray(values, dtype=np.float64), np.nan)
