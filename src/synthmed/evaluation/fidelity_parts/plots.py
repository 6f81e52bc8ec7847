"""The section's plots: a map of the features, spectra, and distances by type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Context
from synthmed.evaluation.fidelity_parts.halves import cut
from synthmed.evaluation.fidelity_parts.material import Material
from synthmed.evaluation.sections import Plot
from synthmed.evaluation.sides import Side
from synthmed.measures.structure import radial_power

MOST_POINTS, MOST_SPECTRA = 1000, 256


def plots(context: Context, given: Material, entries: Mapping[str, Any]) -> list[Plot]:
    """Make the section's plots.

    Args:
        context: The compared sides.
        given: Features of both sides.
        entries: By title of a stratum what ``compare.compared`` gave.
    """
    made = [_map(context, given), _spectra(context)]
    if len(entries) > 1:
        made.append(_bars(entries))
    return made


def _map(context: Context, given: Material) -> Plot:
    """Two principal components of the real features."""
    from sklearn.decomposition import PCA

    seed = context.settings.seed
    real, synthetic = given.real.values, given.synthetic.values
    analysis = PCA(n_components=2, random_state=seed).fit(_wide(real))
    series = {}
    for side, values in ((context.real, real), (context.synthetic, synthetic)):
        rows = cut(np.arange(len(side)), MOST_POINTS, seed)
        points = analysis.transform(_wide(values[rows]))
        series[side.name] = np.round(points, 4).tolist()
    share = float(np.nansum(analysis.explained_variance_ratio_))
    caption = (
        f"Each point is an image; both axes are principal components of the real features "
        f"({given.real.id}) and hold {share:.0%} of their variance. Real points without "
        "synthetic ones near them are not covered; synthetic points away from real ones look "
        "like nothing real. What differs in other directions is not seen here."
    )
    return Plot("map", "Map of the features", caption, "scatter", {"series": series})


def _wide(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """At least two columns, as a map needs."""
    table = values.astype(np.float64)
    return np.pad(table, ((0, 0), (0, max(0, 2 - table.shape[1]))))


def _spectra(context: Context) -> Plot:
    """Power by spatial frequency of both sides."""
    x: list[float] = []
    series: dict[str, list[float]] = {}
    bands: dict[str, list[list[float]]] = {}
    for side in (context.real, context.synthetic):
        frequency, powers = _powers(side, context.settings.seed)
        x = np.round(frequency, 5).tolist()
        series[side.name] = np.maximum(powers.mean(axis=0), 1e-12).tolist()
        ends = np.quantile(powers, [0.1, 0.9], axis=0).T
        bands[side.name] = np.maximum(ends, 1e-12).tolist()
    caption = (
        "Mean power of the images by spatial frequency, with the range from the 10th to the 90th "
        f"percentile of images (at most {MOST_SPECTRA} a side). The right end is fine detail and "
        "noise: a synthetic line below the real one means blur, above it noise."
    )
    labels = {"x_label": "cycles per pixel", "y_label": "power", "log": True}
    data = {"x": x, "series": series, "bands": bands, **labels}
    return Plot("spectra", "Power spectra", caption, "lines", data)


def _powers(side: Side, seed: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Frequencies (F,) and the power of single images (n, F)."""
    images = side.images(cut(side.groups, MOST_SPECTRA, seed))
    found = [radial_power(image[None]) for image in images]
    return found[0][0], np.stack([power for _, power in found])


def _bars(entries: Mapping[str, Any]) -> Plot:
    """KID by stratum, beside that of real halves."""
    series: dict[str, list[float | None]] = {"synthetic": [], "real halves": []}
    intervals: dict[str, list[list[float | None]]] = {"synthetic": [], "real halves": []}
    for entry in entries.values():
        for key, word in (("synthetic", "synthetic"), ("baseline", "real halves")):
            number = entry["metrics"]["kid"][key] or {}
            series[word].append(number.get("value"))
            intervals[word].append([number.get("low"), number.get("high")])
    caption = (
        "KID to the real images with its 95 % interval, and that between two halves of the real "
        "patients. Short is good; the lengths of different types are not comparable."
    )
    data = {"labels": list(entries), "series": series, "intervals": intervals, "x_label": "KID"}
    return Plot("kid", "KID by type and label", caption, "bars", data)
