"""Registered metrics between a real and a synthetic set, and how each gets its interval."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.blocks import Dealt, Family, LeftOut, Pass, anew
from synthmed.measures.jackknife import deal, interval, left_out_sets
from synthmed.measures.registry import ANY, METRICS, Metric
from synthmed.measures.results import Result

__all__ = ["FRECHET_MINIMUM", "METRICS", "Metric", "measure", "measure_all"]

FRECHET_MINIMUM = 2048
"""Below this many images a side a Fréchet distance is mostly bias."""
ENDS = ("value", "low", "high")


def measure(
    name: str,
    real: Any,
    synthetic: Any,
    *,
    extractor: str,
    preprocessing: str,
    real_groups: Sequence[str] | None = None,
    synthetic_groups: Sequence[str] | None = None,
    real_labels: Sequence[str] | None = None,
    synthetic_labels: Sequence[str] | None = None,
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
        real_labels: Caption, class or type of each real image, for metrics within labels;
            without it all are of one.
        synthetic_labels: Prompt, class or type of each synthetic image.
        blocks: Number of jackknife blocks.

    Returns:
        Value, interval, numbers and ids.

    Raises:
        SynthmedError: As for ``measure_all``.
    """
    found = measure_all(
        [name],
        real,
        synthetic,
        extractor=extractor,
        preprocessing=preprocessing,
        real_groups=real_groups,
        synthetic_groups=synthetic_groups,
        real_labels=real_labels,
        synthetic_labels=synthetic_labels,
        blocks=blocks,
    )
    return found[name]


def measure_all(
    names: Sequence[str],
    real: Any,
    synthetic: Any,
    *,
    extractor: str,
    preprocessing: str,
    real_groups: Sequence[str] | None = None,
    synthetic_groups: Sequence[str] | None = None,
    real_labels: Sequence[str] | None = None,
    synthetic_labels: Sequence[str] | None = None,
    blocks: int = 20,
) -> dict[str, Result]:
    """Computes several registered metrics of the same arrays, sharing what they have in common.

    Kernel metrics share one pass over the inner products, neighbour metrics one over the
    distances, spectra one over the images. Values and intervals are, but for rounding, those of
    computing each metric anew without each block.

    Args:
        names: Names in ``METRICS``, all for features or all for images.
        real: Features (N, D), or images (N, C, H, W), as the metrics take.
        synthetic: The same of the synthetic images.
        extractor: Id of the extractor that made the features.
        preprocessing: Its preprocessing id.
        real_groups: As for ``measure``.
        synthetic_groups: As for ``measure``.
        real_labels: As for ``measure``.
        synthetic_labels: As for ``measure``.
        blocks: Number of jackknife blocks.

    Returns:
        A result for each name. Parts of a metric (a band of the spectrum, one side's figure)
        are in its ``extra["parts"]``, each with an interval.

    Raises:
        SynthmedError: An unknown name, arrays, groups or labels that do not fit, fewer than
            four groups on a side, or a Fréchet distance between sets of unequal size.
    """
    real, synthetic = _checked(names, real, synthetic)
    samples = (real, real_groups), (synthetic, synthetic_groups)
    dealt, blocks = deal(*samples, blocks=blocks)
    x = _side(real, dealt[0], real_groups, real_labels)
    y = _side(synthetic, dealt[1], synthetic_groups, synthetic_labels)
    passes = _passes(names, x, y, left_out_sets(blocks))
    numbers = len(real), len(synthetic), extractor, preprocessing
    results = {}
    for name in names:
        value, low, high = _estimate(passes[name].values[name], blocks, METRICS[name].bounds)
        extra = _extra(name, passes[name], blocks, min(numbers[:2]))
        results[name] = Result(name, value, low, high, *numbers, extra)
    return results


def _checked(names: Sequence[str], real: Any, synthetic: Any) -> tuple[Any, Any]:
    """Both arrays, as the metrics take them."""
    for name in names:
        if name not in METRICS:
            raise SynthmedError(f"unknown metric {name!r}", mend=f"Known: {', '.join(METRICS)}")
        if METRICS[name].equal_n and len(real) != len(synthetic):
            raise SynthmedError(
                f"{name} of {len(real)} real and {len(synthetic)} synthetic images",
                mend="Cut both sides to one size, or take kid or cmmd",
            )
    takes = {METRICS[name].takes for name in names}
    if len(takes) != 1:
        raise SynthmedError(
            f"{len(names)} metrics that take {' and '.join(sorted(takes)) or 'nothing'}",
            mend="Ask for metrics of features and metrics of images apart",
        )
    if takes == {"features"}:
        real, synthetic = as_features(real, "real"), as_features(synthetic, "synthetic")
        same_width(real, synthetic)
        return real, synthetic
    real, synthetic = np.asarray(real), np.asarray(synthetic)
    if real.ndim != 4 or synthetic.ndim != 4:
        raise SynthmedError(f"images must have shape (N, C, H, W), not {real.shape}")
    return real, synthetic


def _side(rows: Any, blocks: Any, groups: Any, labels: Any) -> Dealt:
    whole = Dealt.whole(rows, groups, labels)
    if len(whole.labels) != len(rows):
        raise SynthmedError(f"{len(whole.labels)} labels for {len(rows)} rows")
    return replace(whole, blocks=blocks)


def _passes(names: Sequence[str], real: Dealt, synthetic: Dealt, sets: LeftOut) -> dict[str, Pass]:
    """The pass that holds each metric: one for each family."""
    families: dict[Family | None, list[str]] = {}
    for name in names:
        families.setdefault(METRICS[name].family, []).append(name)
    found = {}
    for family, members in families.items():
        if family is not None:
            found.update(dict.fromkeys(members, family(real, synthetic, sets, members)))
            continue
        for name in members:
            found[name] = Pass({name: anew(METRICS[name].statistic, real, synthetic, sets)})
    return found


def _estimate(
    values: Array, blocks: int, bounds: tuple[float, float]
) -> tuple[float, float, float]:
    """Value and ends of the interval, kept within bounds."""
    low, high = (min(max(end, bounds[0]), bounds[1]) for end in interval(values, blocks))
    return float(values[0]), low, high


def _extra(name: str, found: Pass, blocks: int, n: int) -> dict[str, object]:
    """What a result says beside value and interval."""
    extra: dict[str, object] = {"interval": f"delete-a-group jackknife, {blocks} blocks"}
    extra.update(found.facts.get(name, {}))
    parts = {}
    for key, values in found.values.items():
        if key.startswith(f"{name}: "):
            part = _estimate(values, blocks, ANY)
            parts[key.removeprefix(f"{name}: ")] = dict(zip(ENDS, part, strict=True))
    if parts:
        extra["parts"] = parts
    if METRICS[name].equal_n and n < FRECHET_MINIMUM:
        extra["warning"] = f"{name} below {FRECHET_MINIMUM} images is mostly bias: see kid or cmmd"
        warnings.warn(str(extra["warning"]), stacklevel=3)
    return extra
