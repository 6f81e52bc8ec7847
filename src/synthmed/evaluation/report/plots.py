"""Figures: a plot's data in, an SVG element out, the same bytes every time."""

from __future__ import annotations

import io
import warnings
from typing import Any

from markupsafe import Markup

from synthmed.errors import SafetyError
from synthmed.evaluation.report.palette import FAINT, INK, LINE
from synthmed.evaluation.report.plain import clean
from synthmed.evaluation.report.plot_kinds import KINDS
from synthmed.evaluation.report.plot_words import plot_words
from synthmed.evaluation.report.svg import inline_svg
from synthmed.evaluation.sections import Plot

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "synthmed",
    "text.parse_math": False,  # labels come from users: a dollar is a dollar
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "font.size": 12,
    "axes.labelsize": 12,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.dpi": 72,
    "figure.dpi": 72,
}


def draw(plot: Plot, prefix: str, *, private_page: bool) -> tuple[Markup | None, str]:
    """Draw a plot.

    Args:
        plot: Its data.
        prefix: For the ids inside; another one for each figure of a page.
        private_page: Whether it is for the page that may show patients.

    Returns:
        The SVG element and "", or None and why the data cannot be drawn: one broken figure does
        not cost the whole report.

    Raises:
        SafetyError: A private plot for the public page.
    """
    if plot.private and not private_page:
        raise SafetyError("figures of patients do not go on the public page", where=plot.title)
    if plot.kind not in KINDS:
        return None, f"no figure is of the kind {plot.kind!r}"
    try:
        svg = _svg(plot)
        words = plot_words(plot)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return None, f"its data cannot be drawn ({type(error).__name__}: {error})"
    return inline_svg(svg, prefix=prefix, label=clean(words)), ""


def _svg(plot: Plot) -> str:
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # signs that matplotlib's own font lacks
        matplotlib.rcdefaults()  # whatever a user's matplotlibrc says
        matplotlib.rcParams.update(_STYLE)
        figure = KINDS[plot.kind](_cleaned(plot.data))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue().decode("utf-8")


def _cleaned(value: Any) -> Any:
    """Take signs that cannot be shown out of all names and labels."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _cleaned(each) for key, each in value.items()}
    if isinstance(value, list | tuple) and any(isinstance(each, str) for each in value):
        return [_cleaned(each) for each in value]
    return value
