"""What the kinds of plots share: the canvas, the legend, numbers and labels."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.report.palette import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 400.0  # of a figure, in points: readable on a phone, two side by side on a desk
_LINE = 48  # letters that fit beside one another in a legend
_NAME = 42  # letters of a series' name


def canvas(height: float) -> tuple[Figure, Axes]:
    """Give an empty figure, 400 points wide, and its axes; no global state is touched.

    Args:
        height: In points.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03)
    figure = Figure(figsize=(WIDTH / 72, height / 72), layout=engine)
    return figure, figure.subplots()


def legend(figure: Figure, axes: Axes, *, reverse: bool = False) -> None:
    """Name the series and marks above the axes; a single series needs no name."""
    handles, names = axes.get_legend_handles_labels()
    if len(names) < 2:
        return
    if reverse:
        handles, names = handles[::-1], names[::-1]
    widest = max(len(name) for name in names) + 5
    columns = max(1, min(len(names), _LINE // widest))
    figure.legend(handles, names, loc="outside upper left", ncols=columns, markerscale=1.6)


def share_axis(axes: Axes, label: str) -> None:
    """Make the upright axis one of shares in per cent, with lines across."""
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.locator_params(axis="y", nbins=5)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(label)
    axes.grid(axis="y")


def log_axis(axes: Axes) -> None:
    """Make the upright axis logarithmic, with powers of ten in plain text."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def power(value: float) -> str:
    """Write a power of ten, such as 10⁻³; from 0.01 to 1,000 as a plain number."""
    if 0.01 <= value <= 1000 or value <= 0:
        return f"{value:,.4g}"
    exponent = str(round(math.log10(value)))
    return "10" + exponent.translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def numbers(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    """Give values as an array; None (as JSON has NaN) is NaN."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def filled(values: Sequence[float | None]) -> npt.NDArray[Any]:
    """Give the finite ones of some values."""
    array = numbers(values)
    return array[np.isfinite(array)]


def short(name: str) -> str:
    """Give a name that fits in a legend.

    A leading underscore, which hides a series from matplotlib's legends, gets a sign of no width
    before it.
    """
    shown = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    return f"\u200b{shown}" if shown.startswith("_") else shown


def wrapped(label: str) -> str:
    """Give a label in at most two lines of 22 letters."""
    rows = textwrap.wrap(label, 22) or [""]
    return "\n".join([rows[0], rows[1][:21] + "…"] if len(rows) > 2 else rows)


def marks(axes: Axes, data: Mapping[str, Any]) -> None:
    """Draw the upright lines of ``marks`` {name: value}; a value that is not there is left out."""
    for number, (name, value) in enumerate((data.get("marks") or {}).items()):
        if value is not None and math.isfinite(value):
            style = ("-", "--", ":")[number % 3]
            axes.axvline(value, color=INK, linewidth=1.0, linestyle=style, label=short(name))


def pairs(values: Sequence[Sequence[float | None] | None]) -> npt.NDArray[np.float64]:
    """Give pairs as an array (N, 2); a pair that is not there is NaN.

    Raises:
        ValueError: Something else than two numbers each.
    """
    rows = [numbers(pair) if pair is not None else np.full(2, np.nan) for pair in values]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2)


def finite_points(values: Sequence[Sequence[float | None] | None]) -> npt.NDArray[np.float64]:
    """Give those of some points whose two coordinates are finite, (N, 2)."""
    points = pairs(values)
    return points[np.isfinite(points).all(axis=1)]
