"""Fréchet distance and KID between isotropic Gaussians, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmed.measures.metrics import measure_all


@dataclass(frozen=True)
class Gaussian:
    """N(mean, scale² I).

    Attributes:
        mean: (D,).
        scale: Standard deviation.
    """

    mean: Sequence[float]
    scale: float

    def draw(self, n: int, seed: int) -> Any:
        """(n, D) samples."""
        points = np.random.default_rng(seed).normal(size=(n, len(self.mean)))
        return np.asarray(self.mean) + self.scale * points


def frechet(a: Gaussian, b: Gaussian) -> float:
    """``|m_a - m_b|² + D (s_a - s_b)²``."""
    apart = np.asarray(a.mean) - np.asarray(b.mean)
    return float(apart @ apart + len(a.mean) * (a.scale - b.scale) ** 2)


def cubic_mean(a: Gaussian, b: Gaussian) -> float:
    """E[(x·y / D + 1)³] for independent x of a and y of b.

    Given y, x·y is normal with mean m_a·y and variance s_a² |y|²; the moments of m_a·y and |y|²
    under y give E[x·y], E[(x·y)²] and E[(x·y)³].
    """
    m, k, width = np.asarray(a.mean), np.asarray(b.mean), len(a.mean)
    inner, mm, kk = float(m @ k), float(m @ m), float(k @ k)
    va, vb = a.scale**2, b.scale**2
    second = inner**2 + vb * mm + va * (kk + width * vb)
    cube_of_mean = inner**3 + 3 * inner * vb * mm
    mean_times_length = inner * (kk + width * vb) + 2 * vb * inner
    third = cube_of_mean + 3 * va * mean_times_length
    return third / width**3 + 3 * second / width**2 + 3 * inner / width + 1


def kid(a: Gaussian, b: Gaussian) -> float:
    """The squared MMD with the kernel ``(x·y / D + 1)³``."""
    return cubic_mean(a, a) + cubic_mean(b, b) - 2 * cubic_mean(a, b)


def gaussian_row(change: str, strength: float, width: int, n: int) -> dict[str, Any]:
    """Measure KID and Fréchet distance between a standard Gaussian and a changed one.

    Args:
        change: "shift" (of the mean, by its length) or "scale" (of the standard deviation).
        strength: The shift, or the new scale.
        width: Dimensions.
        n: Samples of each.
    """
    each = strength / np.sqrt(width) if change == "shift" else 0.0
    a = Gaussian([0.0] * width, 1.0)
    b = Gaussian([each] * width, strength if change == "scale" else 1.0)
    found = measure_all(
        ["kid", "frechet"], a.draw(n, 0), b.draw(n, 1), extractor="none", preprocessing="none"
    )
    truth = {"kid": kid(a, b), "frechet": frechet(a, b)}
    return {
        name: {
            **{key: round(getattr(result, key), 8) for key in ("value", "low", "high")},
            "truth": round(truth[name], 8),
        }
        for name, result in found.items()
    }
