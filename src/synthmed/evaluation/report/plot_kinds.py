"""How each kind of plot is drawn: its data in, a matplotlib figure out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synthmed.evaluation.report.palette import (
    DASHES,
    FAINT,
    INK,
    LINE,
    MARKERS,
    SERIES,
    series_numbers,
)
from synthmed.evaluation.report.plot_parts import (
    canvas,
    filled,
    finite_points,
    legend,
    log_axis,
    marks,
    numbers,
    pairs,
    share_axis,
    short,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 2000  # of a scatter plot at most, all series together
_BARS = 40  # labels of a bar chart at most


def histogram(data: Mapping[str, Any]) -> Figure:
    """Draw shares of values in common bins, one outline a series; marks are upright lines."""
    series = {name: filled(values) for name, values in data["series"].items()}
    every = np.concatenate([np.empty(0), *series.values()])
    if not every.size:
        raise ValueError("there are no values")
    low, high = float(every.min()), float(every.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    largest = max(values.size for values in series.values())
    edges = np.linspace(low, high, 1 + min(max(math.ceil(2 * largest ** (1 / 3)), 8), 40))
    figure, axes = canvas(235)
    for name, place in series_numbers(list(series)).items():
        if series[name].size:
            shares = np.histogram(series[name], edges)[0] / series[name].size
            axes.stairs(shares, edges, fill=True, alpha=0.14, color=SERIES[place])
            style: dict[str, Any] = {
                "color": SERIES[place],
                "linestyle": DASHES[place],
                "linewidth": 1.6,
            }
            axes.stairs(shares, edges, label=short(name), **style)
    marks(axes, data)
    share_axis(axes, "share of each set")
    axes.set_xlabel(str(data.get("x") or ""))
    legend(figure, axes)
    return figure


def scatter(data: Mapping[str, Any]) -> Figure:
    """Draw points, one sign a series; where there are too many, every k-th of each."""
    series = {name: finite_points(values) for name, values in data["series"].items()}
    total = sum(len(points) for points in series.values())
    if not total:
        raise ValueError("there are no points")
    step = math.ceil(total / POINTS)
    figure, axes = canvas(320)
    for name, place in sorted(series_numbers(list(series)).items(), key=lambda each: -each[1]):
        x, y = series[name][::step].T
        style: dict[str, Any] = {
            "color": SERIES[place],
            "marker": MARKERS[place],
            "markeredgewidth": 0.0,
        }
        axes.plot(x, y, linestyle="none", markersize=3.4, alpha=0.6, label=short(name), **style)
    note = "" if step == 1 else f"one in {step} of {total:,} points is drawn"
    labels = [str(data.get(key) or "") for key in ("x_label", "y_label")]
    axes.set(xlabel="\n".join(part for part in (labels[0], note) if part), ylabel=labels[1])
    if not any(labels):  # a map without units
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color=LINE)
    legend(figure, axes, reverse=True)
    return figure


def lines(data: Mapping[str, Any]) -> Figure:
    """Draw a line a series, bands for intervals; `log` makes the upright axis logarithmic."""
    x = numbers(data["x"])
    series = {name: numbers(values) for name, values in data["series"].items()}
    shown = [values for values in series.values() if np.isfinite(values).any()]
    if not shown:
        raise ValueError("there are no values")
    figure, axes = canvas(250)
    for name, place in series_numbers(list(series)).items():
        style: dict[str, Any] = {
            "color": SERIES[place],
            "linestyle": DASHES[place],
            "linewidth": 1.7,
        }
        dots: dict[str, Any] = {"marker": MARKERS[place], "markersize": 4.0} if x.size <= 12 else {}
        axes.plot(x, series[name], label=short(name), **style, **dots)
        band = (data.get("bands") or {}).get(name)
        if band:
            low, high = pairs(band).T
            axes.fill_between(x, low, high, color=SERIES[place], alpha=0.15, linewidth=0)
    marks(axes, data)
    if data.get("log"):
        log_axis(axes)
    elif min(map(np.nanmin, shown)) < 0 < max(map(np.nanmax, shown)):
        axes.axhline(0, color=FAINT, linewidth=0.9)
    axes.grid(axis="y")
    axes.set(xlabel=str(data.get("x_label") or ""), ylabel=str(data.get("y_label") or ""))
    legend(figure, axes)
    return figure


def bars(data: Mapping[str, Any]) -> Figure:
    """Draw lying bars, grouped by label, with thin lines for intervals."""
    labels = [str(label) for label in data["labels"]]
    series = {name: numbers(values) for name, values in data["series"].items()}
    if not labels or not series:
        raise ValueError("there are no bars")
    shown, thick = min(len(labels), _BARS), 0.76 / len(series)
    figure, axes = canvas(66 + shown * (15 * len(series) + 11))
    for order, (name, values) in enumerate(series.items()):
        colour = SERIES[series_numbers(list(series))[name]]
        y = np.arange(shown) + (order - (len(series) - 1) / 2) * thick
        style: dict[str, Any] = {"facecolor": (colour, 0.38), "edgecolor": colour, "linewidth": 0.8}
        axes.barh(y, np.nan_to_num(values[:shown]), thick * 0.8, label=short(name), **style)
        for at in np.flatnonzero(~np.isfinite(values[:shown])):
            axes.text(0, y[at], " not measurable", va="center", size=9.5, color=FAINT)
        ends = (data.get("intervals") or {}).get(name)
        if ends:
            low, high = pairs(ends)[:shown].T
            axes.hlines(y, low, high, color=INK, linewidth=1.3)
    marks(axes, data)
    axes.set_yticks(range(shown), [wrapped(label) for label in labels[:shown]])
    axes.set_ylim(shown - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    note = "" if shown == len(labels) else f"the first {shown} of {len(labels)}"
    label = str(data.get("x_label") or data.get("x") or "")
    axes.set_xlabel("\n".join(part for part in (label, note) if part))
    legend(figure, axes)
    return figure


def image(data: Mapping[str, Any]) -> Figure:
    """Draw a map of values from 0, black, to 1, white.

    Two labels name the ends of the scale, as many as there are rows and columns name those, and
    others stand below.
    """
    pixels = np.array([numbers(row) for row in data["pixels"]])
    if pixels.ndim != 2 or not pixels.size:
        raise ValueError("there are no pixels")
    height, width = pixels.shape
    figure, axes = canvas(max(140, min(280, 280 * height / width)))
    drawn = axes.imshow(pixels, vmin=0, vmax=1, cmap="gray", interpolation="none")
    labels = [str(label) for label in data.get("labels") or ()]
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=LINE)
    scale = figure.colorbar(drawn, ax=axes, shrink=0.7, aspect=24, ticks=[0, 0.5, 1])
    scale.outline.set_edgecolor(LINE)
    if len(labels) == 2:
        scale.set_ticks([0, 1], labels=[wrapped(label) for label in labels])
    elif len(labels) == height == width:
        axes.set_xticks(range(width), [wrapped(label) for label in labels], rotation=60)
        axes.set_yticks(range(height), [wrapped(label) for label in labels])
    else:
        axes.set_xlabel("\n".join(labels))
    return figure


KINDS: dict[str, Callable[[Mapping[str, Any]], Figure]] = {
    "histogram": histogram,
    "scatter": scatter,
    "lines": lines,
    "bars": bars,
    "image": image,
}
