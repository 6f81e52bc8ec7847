"""Where a detector looks: which band of the spectrum and which place of the image tell most."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.detectability_samples import TILES, TRACES, Sample
from synthmed.measures.agreement import auroc
from synthmed.measures.cross_fitting import deal_folds
from synthmed.measures.forensics import band_edges
from synthmed.measures.linear_probe import LinearProbe

_STRENGTH = (0.1,)  # few features: no choice is needed

Array = npt.NDArray[np.float64]


def traces(real: Sample, synthetic: Sample, seed: int) -> dict[str, Any]:
    """Measure how well parts of the features alone tell the sets apart.

    Every figure is the AUROC of a linear classifier that was trained on one half of the groups
    and tested on the other, the same halves as those of the main test.

    Args:
        real: Matched real images.
        synthetic: Matched synthetic images.
        seed: Seeds the halves.

    Returns:
        "bands": `low`, `high` (cycles per pixel), `auroc`, `difference` (mean logarithm of the
        power, synthetic - real; a tenth is 26 %); "groups": AUROC of each group of features;
        "tiles": AUROC of each tile; "strongest": the names of the strongest band and tile.
    """
    labels = np.repeat([0, 1], [len(real.groups), len(synthetic.groups)])
    groups = np.concatenate([real.groups, synthetic.groups])
    test = deal_folds(labels, groups, 2, seed) == 1

    def area(first: Array, second: Array) -> float:
        x = {"x": np.concatenate([first, second])}
        probe = LinearProbe.fit(
            {"x": x["x"][~test]}, labels[~test], groups[~test].tolist(), _STRENGTH
        )
        return round(auroc(labels[test], probe.scores({"x": x["x"][test]})), 4)

    both = real.features["spectrum"], synthetic.features["spectrum"]
    shift = both[1].mean(axis=0) - both[0].mean(axis=0)
    bands = [
        {
            "low": round(low, 4),
            "high": round(high, 4),
            "auroc": area(both[0][:, i : i + 1], both[1][:, i : i + 1]),
            "difference": round(float(shift[i]), 4),
        }
        for i, (low, high) in enumerate(band_edges())
    ]
    tiles = [
        [area(real.tiles[:, y, x], synthetic.tiles[:, y, x]) for x in range(TILES)]
        for y in range(TILES)
    ]
    parts = {name: area(real.features[name], synthetic.features[name]) for name in TRACES}
    return {"bands": bands, "groups": parts, "tiles": tiles, "strongest": _strongest(bands, tiles)}


def _strongest(bands: list[dict[str, float]], tiles: list[list[float]]) -> dict[str, str]:
    """Name the band and the tile with the highest AUROC."""
    band = max(bands, key=lambda each: each["auroc"])
    y, x = np.unravel_index(int(np.argmax(tiles)), np.shape(tiles))
    return {
        "band": f"{band['low']:.3g} to {band['high']:.3g} cycles per pixel",
        "tile": f"row {y + 1} and column {x + 1} of {len(tiles)} × {len(tiles)}",
    }
