"""Draw the curves of a calibration: structure and realism against depth, a row for each pair."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthmed.synthesis.calibration_curves import Curve, Point, curves_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FILE = "calibration.svg"
"""Name of the plot beside a Generator's card."""
_INK, _FAINT, _LINE = "#1c232b", "#57626f", "#d9dee4"
_STRUCTURE, _REALISM = "#0b6e75", "#b25400"
_WIDTH, _ROW, _EDGE = 8.6, 2.1, 0.8  # inches
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "synthmed",
    "text.parse_math": False,  # names of domains come from users: a dollar is a dollar
    "axes.formatter.use_mathtext": False,
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _LINE,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
}


def calibration_svg(card: Mapping[str, Any]) -> bytes:
    """Draw the curves of a card.

    Args:
        card: The contents of a synthmed.json.

    Returns:
        An SVG file; the same curves give the same bytes.

    Raises:
        SynthmedError: The card has no calibration that can be read.
    """
    import matplotlib as mpl

    curves = curves_of(card)
    with mpl.rc_context(_STYLE):
        file = io.BytesIO()
        figure_of(curves).savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def figure_of(curves: Sequence[Curve]) -> Figure:
    """Give the figure: two plots a pair, side by side, with intervals and numbers of images.

    Args:
        curves: The pairs, in their order.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    height = _EDGE + _ROW * len(curves)
    engine = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.06)
    figure = Figure(figsize=(_WIDTH, height), layout=engine)
    axes = figure.subplots(len(curves), 2, squeeze=False, sharex=True)
    for (left, right), curve in zip(axes, curves, strict=True):
        _structure(left, curve)
        _realism(right, curve)
    for axis in axes[-1]:
        axis.set_xlabel("depth (0: least structure kept, 1: the codec alone)")
    handles, names = axes[0][1].get_legend_handles_labels()
    first = axes[0][0].get_legend_handles_labels()
    figure.legend(
        [*first[0], *handles], [*first[1], *names], loc="outside upper left", ncols=4, frameon=False
    )
    return figure


def _structure(axes: Axes, curve: Curve) -> None:
    axes.set_title(f"{curve.source} to {curve.target}", loc="left", fontsize=9.0, color=_INK)
    told = f"sources: n {curve.n_source} of {curve.groups_source} groups"
    style: dict[str, Any] = {"fontsize": 8.0, "color": _FAINT, "ha": "right"}
    axes.text(0.98, 0.05, told, transform=axes.transAxes, **style)
    _line(axes, curve.depths, curve.structure, _STRUCTURE, "SSIM to the source")
    axes.set(ylim=(min(0.0, *(p.low for p in curve.structure)), 1.02), xlim=(-0.02, 1.02))
    axes.set_ylabel("SSIM")


def _realism(axes: Axes, curve: Curve) -> None:
    told = f"target: n {curve.n_target} of {curve.groups_target} groups"
    axes.set_title(told, loc="right", fontsize=8.0, color=_FAINT)
    limits = curve.real_real
    axes.axhspan(limits.low, limits.high, color=_LINE, zorder=0, label="real to real")
    _line(axes, curve.depths, curve.realism, _REALISM, "KID to the target")
    halves: Any = {"color": _REALISM, "linewidth": 1.0, "linestyle": (0, (4, 2)), "marker": "x"}
    matched = [point.value for point in curve.matched]
    axes.plot(curve.depths, matched, label="KID over halves", markersize=4.0, **halves)
    if curve.untouched is not None:
        style: dict[str, Any] = {"color": _INK, "linewidth": 1.0, "linestyle": (0, (1, 2))}
        axes.axhline(curve.untouched.value, label="KID without translation", **style)
    axes.set_ylabel("KID")


def _line(
    axes: Axes, depths: Sequence[float], points: Sequence[Point], colour: str, label: str
) -> None:
    """Draw means with the band of their intervals."""
    low, high = [p.low for p in points], [p.high for p in points]
    axes.fill_between(depths, low, high, color=colour, alpha=0.18, linewidth=0)
    style: dict[str, Any] = {"color": colour, "linewidth": 1.6, "marker": "o", "markersize": 3.2}
    axes.plot(depths, [p.value for p in points], label=label, **style)
    axes.grid(axis="y")
