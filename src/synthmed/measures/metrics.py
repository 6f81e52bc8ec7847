"""The registry of metrics between a real and a synthetic set, and how each gets its interval."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synthmed.errors import SynthmedError
from synthmed.measures.fidelity import cmmd, frechet_distance, kid
from synthmed.measures.jackknife import jackknife_groups
from synthmed.measures.manifolds import coverage, density, precision, recall
from synthmed.measures.results import Result
from synthmed.measures.structure import high_frequency_ratio

FRECHET_MINIMUM = 2048
"""Below this many images a side a Fréchet distance is mostly bias."""


@dataclass(frozen=True)
class Metric:
    """A metric of a real and a synthetic set.

    Attributes:
        statistic: Takes the real and the synthetic array, returns a number.
        takes: What the arrays are: features (N, D), or images (N, C, H, W).
        bounds: Lowest and highest possible value; an interval ends there.
        good: Which values are good.
        equal_n: Whether both sides must have the same number of images.
    """

    statistic: Callable[[Any, Any], float]
    takes: Literal["features", "images"]
    bounds: tuple[float, float]
    good: Literal["low", "high", "one"]
    equal_n: bool = False


METRICS: dict[str, Metric] = {
    "kid": Metric(kid, "features", (-math.inf, math.inf), "low"),
    "cmmd": Metric(cmmd, "features", (-math.inf, math.inf), "low"),
    "frechet": Metric(frechet_distance, "features", (0.0, math.inf), "low", equal_n=True),
    "precision": Metric(precision, "features", (0.0, 1.0), "high"),
    "recall": Metric(recall, "features", (0.0, 1.0), "high"),
    "density": Metric(density, "features", (0.0, math.inf), "one"),
    "coverage": Metric(coverage, "features", (0.0, 1.0), "high"),
    "high-frequency-ratio": Metric(high_frequency_ratio, "images", (0.0, math.inf), "one"),
}


def measure(
    name: str,
    real: Any,
    synthetic: Any,
    *,
    extractor: str,
    preprocessing: str,
    real_groups: Sequence[str] | None = None,
    synthetic_groups: Sequence[str] | None = None,
    blocks: int = 20,
) -> Result:
    """Computes a registered metric with its 95 % interval.

    Args:
        name: A name in ``METRICS``.
        real: Features (N, D), or images (N, C, H, W), as the metric takes.
        synthetic: The same of the synthetic images.
        extractor: Id of the extractor that made the features.
        preprocessing: Its preprocessing id.
        real_groups: Patient of each real image; without it each image is its own group.
        synthetic_groups: Group of each synthetic image (its prompt, or its source's patient).
        blocks: Number of jackknife blocks.

    Returns:
        Value, interval, numbers and ids.

    Raises:
        SynthmedError: An unknown name, arrays that do not fit, fewer than four groups on a
            side, or a Fréchet distance between sets of unequal size.
    """
    if name not in METRICS:
        raise SynthmedError(f"unknown metric {name!r}", mend=f"Known: {', '.join(METRICS)}")
    metric = METRICS[name]
    if metric.equal_n and len(real) != len(synthetic):
        raise SynthmedError(
            f"{name} of {len(real)} real and {len(synthetic)} synthetic images",
            mend="Cut both sides to one size, or take kid or cmmd",
        )
    value = metric.statistic(real, synthetic)
    samples = (real, real_groups), (synthetic, synthetic_groups)
    ends = jackknife_groups(metric.statistic, *samples, blocks=blocks)
    low, high = (min(max(end, metric.bounds[0]), metric.bounds[1]) for end in ends)
    extra: dict[str, object] = {"interval": f"delete-a-group jackknife, {blocks} blocks"}
    if metric.equal_n and len(real) < FRECHET_MINIMUM:
        extra["warning"] = f"{name} below {FRECHET_MINIMUM} images is mostly bias: see kid or cmmd"
        warnings.warn(str(extra["warning"]), stacklevel=2)
    return Result(
        name, value, low, high, len(real), len(synthetic), extractor, preprocessing, extra
    )
