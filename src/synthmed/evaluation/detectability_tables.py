"""The tables and plots of the section "detectability", made from its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from synthmed.evaluation.detectability_samples import TILES
from synthmed.evaluation.judged_estimates import shown
from synthmed.evaluation.sections import Plot, Table

Data = Mapping[str, Any]


def all_tables(data: Data) -> list[Table]:
    """Make the section's tables."""
    controls = data["controls"]
    blur = controls["real_against_blurred"]["blur"]
    rows = [
        ("synthetic", data["total"]),
        *((f"synthetic, {row['image_type']}", row) for row in data["by_type"]),
        ("control: other half of the real patients", controls["real_against_real"]),
        (f"control: real, blurred by {blur} px", controls["real_against_blurred"]),
    ]
    lines, notes = [], []
    for name, results in rows:
        cells = [name]
        for classifier in ("linear", "kernel"):
            each = results[classifier]
            p = "–" if each["p"] is None else f"{each['p']:.3f}"
            cells += [shown(each["auroc"]), p]
        lines.append(cells)
        if results["linear"]["auroc"] is None:
            notes.append(f"{name}: {results['linear']['not_measurable']}")
    header = ["against real images", "linear", "p", "kernel", "p"]
    notes.append(
        "AUROC on groups that the classifier was not trained on; 0.5: not told apart. The first "
        "control must be about 0.5, the second must be seen."
    )
    tables = [Table("Can classifiers tell them apart?", header, lines, notes)]
    if data["traces"]:
        tables.append(_traces(data["traces"]))
    return tables


def _traces(found: Data) -> Table:
    names = {
        "spectrum": "spectrum, all bands",
        "peaks": "spectrum, peaks over their band",
        "axes": "spectrum along the axes",
        "colour": "colour differences",
        "histogram": "grey levels",
        "residual": "noise (what a 3 × 3 mean leaves)",
        "texture": "local binary patterns",
    }
    lines = [[names[key], f"{area:.2f}"] for key, area in found["groups"].items()]
    lines.sort(key=lambda line: line[1], reverse=True)
    strongest = found["strongest"]
    notes = [
        f"Strongest single band: {strongest['band']}; strongest place: {strongest['tile']}.",
        "AUROC of linear classifiers that see nothing else, without intervals; the strongest of "
        "many is by chance a little too high.",
    ]
    return Table("What gives them away", ["features", "AUROC"], lines, notes)


def plots(data: Data) -> list[Plot]:
    """The AUROC of all tests, the bands of the spectrum, and the map of tiles."""
    found = data["traces"]
    if not found:
        return []
    bands = found["bands"]
    names = [f"{(band['low'] + band['high']) / 2:.3f}" for band in bands]
    areas = {
        "labels": names,
        "series": {"AUROC": [band["auroc"] for band in bands]},
        "intervals": {},
    }
    shift = {
        "x": [(band["low"] + band["high"]) / 2 for band in bands],
        "series": {"synthetic - real": [band["difference"] for band in bands]},
        "bands": {},
        "x_label": "cycles per pixel",
        "y_label": "difference of log10 power",
        "log": False,
    }
    tiles = np.clip((np.asarray(found["tiles"]) - 0.5) * 2, 0, 1).round(3).tolist()
    picture = {"pixels": tiles, "labels": ["black: AUROC 0.5", "white: AUROC 1.0"]}
    return [
        Plot(
            "bands",
            "Which band of the spectrum gives them away",
            "AUROC of a classifier that sees the power in one band alone, by cycles per pixel.",
            "bars",
            areas,
        ),
        Plot(
            "spectrum",
            "How the spectra differ",
            "Mean over images; above 0 synthetic images hold more power. 0.1 is 26 %.",
            "lines",
            shift,
        ),
        Plot(
            "tiles",
            "Where in the image they are given away",
            f"AUROC of a classifier that sees one of {TILES} × {TILES} tiles alone; no image is "
            "shown.",
            "image",
            picture,
        ),
    ]
