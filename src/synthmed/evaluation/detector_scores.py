"""How well a detector does on held-out groups, and from which score it speaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Settings
from synthmed.evaluation.judged_estimates import ends_over_groups
from synthmed.measures.agreement import auroc
from synthmed.measures.intervals import wilson

FALSE_ALARMS = 0.05
"""Share of held-out real images that may be called synthetic."""
_EVEN = 0.5  # score at which both are equally likely, where both are equally frequent

Array = npt.NDArray[np.float64]


def held_out_figures(
    labels: npt.NDArray[np.int64],
    odds: Array,
    groups: npt.NDArray[np.str_],
    kinds: npt.NDArray[np.str_],
    seed: int,
) -> dict[str, Any]:
    """Measure AUROC, threshold, false alarms and hits, in total and by type.

    Args:
        labels: (N,) 1 for synthetic.
        odds: (N,) log-odds by detectors that have not seen the image's group.
        groups: (N,) group of each image.
        kinds: (N,) type of each image.
        seed: Seeds the bootstrap over groups.

    Returns:
        "auroc", "auroc_by_type", and "threshold" with `value` (the lowest score at which at most
        5 % of the real images are called synthetic, but 0.5 at least), `false_alarms` and `found`
        there; each number as `value`, `low`, `high`, `n`. A rate of 0 or 1, which a bootstrap
        cannot vary, has the Wilson interval of the number of groups.
    """
    settings = Settings(seed=seed)
    scores = logistic(odds)
    real = np.sort(scores[labels == 0])
    at = max(
        _EVEN, float(np.nextafter(real[int(np.ceil((1 - FALSE_ALARMS) * len(real))) - 1], np.inf))
    )
    called = (scores >= at).astype(np.float64)

    def number(statistic: Any, arrays: list[Any], rows: npt.NDArray[np.bool_]) -> dict[str, Any]:
        parts = [x[rows] for x in arrays]
        value, n = round(float(statistic(*parts)), 6), len(set(groups[rows]))
        ends = ends_over_groups(statistic, parts, groups[rows], settings) or (None, None)
        if statistic is np.mean and value in (0, 1):
            ends = wilson(n * int(value), n)
        low, high = (None if end is None else round(end, 6) for end in ends)
        return {"value": value, "low": low, "high": high, "n": int(rows.sum())}

    every = np.ones(len(labels), dtype=bool)
    return {
        "auroc": number(auroc, [labels, odds], every),
        "auroc_by_type": {
            str(kind): number(auroc, [labels, odds], kinds == kind) for kind in np.unique(kinds)
        },
        "threshold": {
            "value": at,
            "rule": f"0.5, or higher, so that at most {FALSE_ALARMS:.0%} of held-out real images "
            "are called synthetic",
            "false_alarms": number(np.mean, [called], labels == 0),
            "found": number(np.mean, [called], labels == 1),
        },
    }


def logistic(odds: Array) -> Array:
    """Scores from 0 to 1 of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))
