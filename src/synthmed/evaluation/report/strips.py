"""A private plot that piles up pairs of images, taken apart so that each pair has its label."""

from __future__ import annotations

import numpy as np

from synthmed.evaluation.report.grids import Grid
from synthmed.evaluation.report.plot_parts import numbers
from synthmed.evaluation.sections import Plot


def strips(plot: Plot) -> Grid | None:
    """Cut a private picture into as many strips of equal height as it has labels.

    Args:
        plot: A plot; its ``pixels`` (H, W) are from 0 to 1.

    Returns:
        The strips as a private grid; None where the plot is public, of another kind, or cannot
        be cut so: such a plot is drawn like the others.
    """
    labels = list(plot.data.get("labels") or ())
    if not plot.private or plot.kind != "image" or not labels:
        return None
    try:
        pixels = np.array([numbers(row) for row in plot.data["pixels"]])
    except (LookupError, TypeError, ValueError):
        return None
    if pixels.ndim != 2 or not pixels.size or len(pixels) % len(labels):
        return None
    levels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255).astype(np.uint8)
    parts = zip(np.split(levels, len(labels)), map(str, labels), strict=True)
    return Grid(plot.title, plot.caption, list(parts), private=True)
