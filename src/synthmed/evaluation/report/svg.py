"""Make matplotlib's SVG fit into a page: small, in the page's colours and letters, nameable."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from synthmed.evaluation.report.palette import VARIABLES

_COLOUR = re.compile("|".join(VARIABLES))


def inline_svg(svg: str, *, prefix: str, label: str) -> Markup:
    """Turn an SVG document of matplotlib into an element of an HTML page.

    Args:
        svg: The document, with text as text.
        prefix: Put before every id, so that the figures of a page do not share any.
        label: The figure in words, for those who do not see it.

    Returns:
        The element. Its colours are variables of the page's style and its text takes the page's
        letters; metadata, comments and style sheets are gone.
    """
    box = re.search(r'viewBox="([-\d. ]+)"', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r'\bid="([^"]*)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r"url\(#([^)]*)\)", rf"url(#{prefix}-\1)", body)
    body = re.sub(r'xlink:href="#([^"]*)"', rf'href="#{prefix}-\1"', body)
    body = body.replace("xlink:href=", "href=")
    body = re.sub(r'style="([^"]*)"', lambda found: f'style="{_style(found.group(1))}"', body)
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    view = box.group(1) if box else "0 0 1 1"
    head = f'<svg viewBox="{view}" role="img" aria-label="{escape(label)}">'
    return Markup(f"{head}\n{body}\n</svg>")


def _style(style: str) -> str:
    style = re.sub(r"font: [^;]*?([\d.]+px)[^;]*", r"font-size: \1", style)
    style = re.sub(r"font-family: [^;]*;? ?", "", style)
    return _COLOUR.sub(lambda found: VARIABLES[found.group()], style)
