"""All metrics of one stratum, each beside the same metric between two halves of the real set."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context, Features
from synthmed.evaluation.fidelity_parts.halves import cut, halves
from synthmed.evaluation.fidelity_parts.material import Labels, Material
from synthmed.evaluation.fidelity_parts.strata import Stratum
from synthmed.evaluation.sides import Side
from synthmed.measures.metrics import METRICS, measure_all
from synthmed.measures.results import Result
from synthmed.measures.sizes import equal_n

DISTANCES = ("kid", "cmmd", "frechet")
NEIGHBOURS = ("precision", "recall", "density", "coverage")
DIVERSITY = ("feature-diversity", "ms-ssim-difference")
TEXTURE = ("high-frequency-ratio", "spectrum-difference")
MOST_IMAGES = 1024
_VALUES = 2**27  # of the images of one side, 512 MiB in single precision
Index = npt.NDArray[np.int64]
Taken = Literal["features", "images"]


def compared(context: Context, part: Stratum, given: Material) -> dict[str, Any]:
    """Measure one stratum.

    Args:
        context: The compared sides.
        part: The stratum.
        given: Features and labels of both sides.

    Returns:
        ``n`` of both sides, ``n_compared`` and ``n_baseline`` (images a side), groups, and
        ``metrics``: for each name ``synthetic`` (against real) and ``baseline`` (two halves of
        the real set by patient), each with its interval or null, then with the reason as
        ``not_measurable``.
    """
    real, synthetic, seed = context.real, context.synthetic, context.settings.seed
    real_groups, groups = real.groups[part.real], synthetic.groups[part.synthetic]
    rows = equal_n(len(part.real), len(part.synthetic), real_groups, groups, seed)
    ours = part.real[rows[0]], part.synthetic[rows[1]]
    first, second = halves(real_groups, real.kinds[part.real], len(ours[0]), seed)
    theirs = part.real[first], part.real[second]
    found = _both(context, (real, synthetic), ours, (given.real, given.synthetic), given.labels)
    base = _both(
        context, (real, real), theirs, (given.real, given.real), (given.labels[0], given.labels[0])
    )
    metrics = {}
    for name in found:
        entry = {"synthetic": found[name][0], "baseline": base[name][0]}
        reasons = [why for why in (found[name][1], base[name][1]) if why]
        metrics[name] = {**entry, **({"not_measurable": "; ".join(reasons)} if reasons else {})}
    return {
        "n_real": len(part.real),
        "n_synthetic": len(part.synthetic),
        "groups_real": len(np.unique(real_groups)),
        "groups_synthetic": len(np.unique(groups)),
        "n_compared": len(ours[0]),
        "n_baseline": len(first),
        "metrics": metrics,
    }


Found = dict[str, tuple[dict[str, Any] | None, str]]
"""By metric: the number, or None and the reason."""


def _both(
    context: Context,
    sides: tuple[Side, Side],
    rows: tuple[Index, Index],
    features: tuple[Features, Features],
    labels: tuple[Labels, Labels],
) -> Found:
    """Metrics on features and metrics on images between rows of two sides."""
    found: Found = {}
    images = [
        _images(side, own, context.settings.seed) for side, own in zip(sides, rows, strict=True)
    ]
    taken: dict[Taken, Sequence[Index]] = {"features": rows, "images": images}
    for takes, chosen in taken.items():
        names = [name for name in _names() if METRICS[name].takes == takes]
        if takes == "features":
            arrays = [each.values[own] for each, own in zip(features, chosen, strict=True)]
            ids = {"extractor": features[0].id, "preprocessing": features[0].preprocessing}
        else:
            arrays = [side.images(own) for side, own in zip(sides, chosen, strict=True)]
            frame = f"framed to {sides[0].size} pixels"
            ids = {"extractor": "pixels", "preprocessing": frame}
        groups = [side.groups[own] for side, own in zip(sides, chosen, strict=True)]
        own_labels = [every[own] for every, own in zip(labels, chosen, strict=True)]
        found |= _measured(names, arrays, groups, own_labels, ids, context.settings.blocks)
    return {name: found[name] for name in _names()}


def _measured(
    names: Sequence[str],
    arrays: Sequence[Any],
    groups: Sequence[Any],
    labels: Sequence[Any],
    ids: Mapping[str, str],
    blocks: int,
) -> Found:
    """All metrics in one pass; where that fails, each by itself, so that one reason is not all."""

    def measured(some: Sequence[str]) -> dict[str, Result]:
        """Some of the metrics."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # small n is told once, by `notes`
            return measure_all(
                some,
                *arrays,
                **ids,
                real_groups=groups[0],
                synthetic_groups=groups[1],
                real_labels=labels[0],
                synthetic_labels=labels[1],
                blocks=blocks,
            )

    try:
        return {name: _number(result) for name, result in measured(names).items()}
    except SynthmedError as error:
        if len(names) == 1:
            return {names[0]: (None, str(error))}
    found: Found = {}
    for name in names:
        found |= _measured([name], arrays, groups, labels, ids, blocks)
    return found


def _number(result: Result) -> tuple[dict[str, Any] | None, str]:
    """A result as it stands in report.json, which knows no infinite numbers."""
    if not np.isfinite([result.value, result.low, result.high]).all():
        return None, f"{result.name} or its interval is not finite"
    keys = ("value", "low", "high", "n_real", "n_synthetic", "extractor", "preprocessing")
    return {key: getattr(result, key) for key in keys}, ""


def _names() -> list[str]:
    return [*DISTANCES, *NEIGHBOURS, *DIVERSITY, *TEXTURE]


def _images(side: Side, rows: Index, seed: int) -> Index:
    """At most 1,024 of the rows, fewer of large images: metrics on images hold them in memory."""
    most = min(MOST_IMAGES, max(32, _VALUES // int(np.prod(side.pixels.shape[1:]))))
    return rows[cut(side.groups[rows], most, seed)]
