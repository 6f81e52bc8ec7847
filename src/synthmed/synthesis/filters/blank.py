"""Blank: an image of (nearly) one grey level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.imaging.writing import to_uint8
from synthmed.synthesis.filters.checks import Candidate, Verdict

LEAST_DEVIATION = 0.02
"""Of the pixels, in [-1, 1]: 2.5 of 255 grey levels."""
LEAST_ENTROPY = 0.5
"""Of the grey levels' histogram, in bits; 8 at most."""


class Blank:
    """Rejects images whose pixels hardly differ.

    Two numbers of the stored image: the standard deviation of its pixels (the largest of its
    channels) and the entropy of its 256 grey levels. A few specks on an even ground have a
    deviation, but hardly any entropy.
    """

    name = "blank"

    def __init__(self) -> None:
        self.thresholds: dict[str, Any] = {"deviation": LEAST_DEVIATION, "entropy": LEAST_ENTROPY}
        self.models: list[dict[str, str]] = []

    def measure(self, candidates: Sequence[Candidate]) -> npt.NDArray[Any]:
        """(B, 2): deviation and entropy."""
        return np.asarray([[_deviation(c.image), _entropy(c.image)] for c in candidates])

    def judge(
        self, rows: Sequence[Row], measured: npt.NDArray[Any], alive: npt.NDArray[np.bool_]
    ) -> list[Verdict | None]:
        """Reject what falls short of either limit."""
        return [
            _verdict(*map(float, numbers)) if here else None
            for numbers, here in zip(measured, alive, strict=True)
        ]


def _verdict(deviation: float, entropy: float) -> Verdict | None:
    if deviation < LEAST_DEVIATION:
        said = f"standard deviation {deviation:.4f} of the pixels, below {LEAST_DEVIATION}"
        return Verdict(deviation, LEAST_DEVIATION, said)
    if entropy < LEAST_ENTROPY:
        said = f"entropy {entropy:.3f} bits of the grey levels, below {LEAST_ENTROPY}"
        return Verdict(entropy, LEAST_ENTROPY, said)
    return None


def _deviation(image: npt.NDArray[Any]) -> float:
    return float(image.reshape(len(image), -1).std(axis=1, dtype=np.float64).max())


def _entropy(image: npt.NDArray[Any]) -> float:
    counts = np.bincount(to_uint8(image.mean(axis=0)).ravel(), minlength=256)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
