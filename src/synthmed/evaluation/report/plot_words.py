"""A plot in words, for those who do not see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from synthmed.evaluation.report.plot_parts import filled, numbers
from synthmed.evaluation.sections import Plot

_LISTED = 12  # bars that are read out


def plot_words(plot: Plot) -> str:
    """Describe a plot: its title, its kind and the main figures of each series.

    Args:
        plot: Its data; they must fit its kind.

    Returns:
        One or two sentences of plain text.
    """
    return f"{plot.title.rstrip('.')}. {_WORDS[plot.kind](plot.data)}"


def _histogram(data: Mapping[str, Any]) -> str:
    parts = []
    for name, values in data["series"].items():
        array = filled(values)
        middle = f", median {np.median(array):.3g}" if array.size else ""
        parts.append(f"{name} ({array.size} values{middle})")
    marks = [f"{name} at {value:.3g}" for name, value in (data.get("marks") or {}).items() if value]
    return f"Histogram: {'; '.join(parts + marks)}."


def _scatter(data: Mapping[str, Any]) -> str:
    parts = [f"{name} ({len(points)} points)" for name, points in data["series"].items()]
    return f"Scatter plot: {'; '.join(parts)}."


def _lines(data: Mapping[str, Any]) -> str:
    parts = []
    for name, values in data["series"].items():
        array = filled(values)
        if array.size:
            parts.append(f"{name} from {array[0]:.3g} to {array[-1]:.3g}")
    x = filled(data["x"])
    span = f" from {x[0]:.3g} to {x[-1]:.3g}" if x.size else ""
    return f"Lines over {data.get('x_label') or 'x'}{span}: {'; '.join(parts)}."


def _bars(data: Mapping[str, Any]) -> str:
    parts = []
    for name, values in data["series"].items():
        pairs = list(zip(data["labels"], numbers(values), strict=False))[:_LISTED]
        said = [f"{label} {value:.3g}" for label, value in pairs if np.isfinite(value)]
        parts.append(f"{name}: {', '.join(said)}")
    more = " The others are in the tables." if len(data["labels"]) > _LISTED else ""
    return f"Bars. {'; '.join(parts)}.{more}"


def _image(data: Mapping[str, Any]) -> str:
    return f"Map of {len(data['pixels'])} by {len(data['pixels'][0])} values from 0 to 1."


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "histogram": _histogram,
    "scatter": _scatter,
    "lines": _lines,
    "bars": _bars,
    "image": _image,
}
