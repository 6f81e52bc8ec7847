"""Intervals over test patients and training seeds, for many designs on the same draws.

In each draw test patients are drawn with replacement, and so are the training seeds; a design's
value is the mean of its drawn seeds' scores on the drawn patients. All designs see the same draws,
so that the difference of two of them is paired. Seeds are drawn n - 1 at a time, which makes the
bootstrap's variance of their mean the unbiased one (Rao and Wu 1988, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.classifiers.scores import Array, score
from synthmed.measures.intervals import expanded_percentiles


@dataclass(frozen=True)
class Draws:
    """How often each test image and each seed was drawn.

    Attributes:
        rows_BN: (B, N) times that the image's patient was drawn.
        seeds_BS: (B, S) weight of each seed, rows summing to 1.
        codes: (N,) number of each image's patient.
    """

    rows_BN: Array  # noqa: N815
    seeds_BS: Array  # noqa: N815
    codes: NDArray[np.int64]

    @classmethod
    def make(cls, groups: Any, seeds: int, bootstraps: int, seed: int) -> Draws:
        """Draw.

        Args:
            groups: (N,) patient of each test image.
            seeds: Number of training seeds.
            bootstraps: Number of draws.
            seed: Seeds the draws.

        Raises:
            SynthmedError: Fewer than two patients, or no seed.
        """
        names, codes = np.unique(np.asarray(groups).astype(str), return_inverse=True)
        g = len(names)
        if g < 2 or seeds < 1:
            raise SynthmedError("an interval needs at least two test patients and one seed")
        rng = np.random.default_rng(seed)
        counts = np.stack(
            [np.bincount(rng.integers(g, size=g), minlength=g) for _ in range(bootstraps)]
        )
        m = max(1, seeds - 1)
        picked = rng.integers(seeds, size=(bootstraps, m))
        weights = np.stack([np.bincount(row, minlength=seeds) for row in picked]) / m
        return cls(counts[:, codes].astype(np.float64), weights, codes)


@dataclass(frozen=True)
class Scored:
    """A design's score on the whole test set and on each draw.

    Attributes:
        by_seed: (S,) score of each seed on all test images.
        draws_B: (B,) value of each draw; not-a-number where it is undefined.
        n: Test images.
        patients: Test patients.
    """

    by_seed: Array
    draws_B: Array  # noqa: N815
    n: int
    patients: int

    @property
    def value(self) -> float:
        """Mean over the seeds."""
        return float(self.by_seed.mean())

    def minus(self, other: Scored) -> Scored:
        """The paired difference to another design's score."""
        return Scored(
            self.by_seed - other.by_seed, self.draws_B - other.draws_B, self.n, self.patients
        )

    def estimate(self) -> dict[str, Any]:
        """Value and 95 % interval as JSON values; None where it is undefined."""
        low, high = _interval(self.draws_B, self.patients)
        return {
            "value": _number(self.value),
            "low": _number(low),
            "high": _number(high),
            "n": self.n,
            "patients": self.patients,
        }

    def spread(self) -> dict[str, Any]:
        """The score of each seed and their standard deviation, on the whole test set."""
        deviation = self.by_seed.std(ddof=1) if len(self.by_seed) > 1 else np.nan
        return {
            "by_seed": [_number(value) for value in self.by_seed],
            "sd_over_seeds": _number(deviation),
        }


def scored(name: str, labels: Any, probabilities: Any, draws: Draws, mask: Any = None) -> Scored:
    """Score the probabilities of all seeds on all draws.

    Args:
        name: A score of `synthmed.measures.classifiers.scores.SCORES`.
        labels: (N,) integers from 0.
        probabilities: (S, N, K).
        draws: For these N images and S seeds.
        mask: (N,) the images of a subgroup; None takes all.
    """
    chosen = np.arange(len(draws.codes)) if mask is None else np.flatnonzero(mask)
    y, weights = np.asarray(labels)[chosen], draws.rows_BN[:, chosen]
    patients = len(np.unique(draws.codes[chosen]))
    whole, drawn = [], []
    for p in np.asarray(probabilities)[:, chosen]:
        whole.append(score(name, y, p)[0])
        drawn.append(score(name, y, p, weights))
    values = (np.stack(drawn, axis=1) * draws.seeds_BS).sum(axis=1)
    return Scored(np.asarray(whole), values, len(chosen), patients)


def _interval(values: Array, groups: int) -> tuple[float, float]:
    """Expanded percentiles as in `bootstrap_groups`; undefined if most draws are."""
    finite = values[np.isfinite(values)]
    if groups < 2 or len(finite) < len(values) / 2:
        return float("nan"), float("nan")
    return expanded_percentiles(finite, groups)


def _number(value: float) -> float | None:
    """A number rounded to six digits after the point; None if it is none."""
    return round(float(value), 6) if np.isfinite(value) else None
