"""The registry of metrics between a real and a synthetic set."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from synthmed.measures.blocks import Family
from synthmed.measures.diversity import diversity_family, feature_diversity
from synthmed.measures.fidelity import cmmd, frechet_distance, kid
from synthmed.measures.kernels import kernel_family
from synthmed.measures.likeness import ms_ssim_difference, ms_ssim_family
from synthmed.measures.manifolds import coverage, density, manifold_family, precision, recall
from synthmed.measures.moments import frechet_family
from synthmed.measures.spectrum import spectrum_difference, spectrum_family
from synthmed.measures.structure import high_frequency_ratio


@dataclass(frozen=True)
class Metric:
    """A metric of a real and a synthetic set.

    Attributes:
        statistic: Takes the real and the synthetic array, returns a number.
        takes: What the arrays are: features (N, D), or images (N, C, H, W).
        bounds: Lowest and highest possible value; an interval ends there.
        good: Which values are good.
        equal_n: Whether both sides must have the same number of images.
        family: One pass to all leave-out values, shared with the metrics of the same family;
            None: the statistic is computed anew without each set of blocks.
        labelled: Whether it compares images within labels (prompts, captions, classes).
    """

    statistic: Callable[[Any, Any], float]
    takes: Literal["features", "images"]
    bounds: tuple[float, float]
    good: Literal["low", "high", "one", "zero"]
    equal_n: bool = False
    family: Family | None = None
    labelled: bool = False


SHARE, POSITIVE, ANY = (0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)

METRICS: dict[str, Metric] = {
    "kid": Metric(kid, "features", ANY, "low", family=kernel_family),
    "cmmd": Metric(cmmd, "features", ANY, "low", family=kernel_family),
    "frechet": Metric(
        frechet_distance, "features", POSITIVE, "low", equal_n=True, family=frechet_family
    ),
    "precision": Metric(precision, "features", SHARE, "high", family=manifold_family),
    "recall": Metric(recall, "features", SHARE, "high", family=manifold_family),
    "density": Metric(density, "features", POSITIVE, "one", family=manifold_family),
    "coverage": Metric(coverage, "features", SHARE, "high", family=manifold_family),
    "feature-diversity": Metric(
        feature_diversity, "features", POSITIVE, "one", family=diversity_family, labelled=True
    ),
    "ms-ssim-difference": Metric(
        ms_ssim_difference, "images", (-1.0, 1.0), "zero", family=ms_ssim_family, labelled=True
    ),
    "high-frequency-ratio": Metric(
        high_frequency_ratio, "images", POSITIVE, "one", family=spectrum_family
    ),
    "spectrum-difference": Metric(
        spectrum_difference, "images", POSITIVE, "low", family=spectrum_family
    ),
}
