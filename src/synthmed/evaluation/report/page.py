"""The page of a report. What is private never reaches the public one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from synthmed.evaluation.report.cells import TableView, table_view, tied
from synthmed.evaluation.report.facts import citation, comparison, setting_facts, side_facts
from synthmed.evaluation.report.grids import Grid, Picture, pictures
from synthmed.evaluation.report.header import Header
from synthmed.evaluation.report.plain import clean
from synthmed.evaluation.report.plots import draw
from synthmed.evaluation.report.schema import all_warnings
from synthmed.evaluation.report.strips import strips
from synthmed.evaluation.report.verdict import WORDS, tally, verdict
from synthmed.evaluation.sections import Plot, Section
from synthmed.synthesis.provenance import SOFTWARE


@dataclass(frozen=True)
class _Figure:
    """A figure of the page: drawn, or pictures, or why there is none."""

    title: str
    caption: str
    svg: Markup | None
    problem: str
    private: bool
    pictures: list[Picture]


@dataclass(frozen=True)
class _Part:
    """A section as the page shows it."""

    section: Section
    summary: list[str]
    tables: list[TableView]
    figures: list[_Figure]


def render(
    header: Header,
    sections: Sequence[Section],
    grids: Sequence[Grid],
    *,
    digest: str,
    private: bool,
) -> str:
    """Make a page of a report.

    Args:
        header: Who was compared.
        sections: The parts, in their order.
        grids: All images, private ones among them.
        digest: SHA-256 of report.json, to be cited.
        private: Make the page that may show patients. The public page leaves out every private
            grid and plot.

    Returns:
        A whole HTML document that needs no other file.
    """
    parts = [_part(section, private) for section in sections]
    lights = [light for section in sections for light in section.lights]
    template = _environment().get_template("report.html")
    return template.render(
        header=header,
        private=private,
        verdict=verdict(lights),
        tally=tally(lights),
        words=WORDS,
        comparison=comparison(header),
        sides=side_facts(header),
        warnings=all_warnings(header, sections),
        titles={section.key: section.title for section in sections},
        grids=_grids(grids, private),
        parts=parts,
        settings=setting_facts(header.settings),
        software=setting_facts(header.software),
        citation=citation(header, digest),
        digest=digest,
        made_with=SOFTWARE,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("synthmed", "evaluation/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["tied"] = tied
    return environment


def _shown(value: Any) -> Any:
    """Clean every text that comes from outside; what is HTML already stays."""
    return clean(value) if type(value) is str else value


def _grids(grids: Sequence[Grid], private: bool) -> list[tuple[Grid, list[Picture]]]:
    shown = [grid for grid in grids if private or not grid.private]
    return [(grid, pictures(grid, private_page=private)) for grid in shown if grid.images]


def _part(section: Section, private: bool) -> _Part:
    shown = [plot for plot in section.plots if private or not plot.private]
    figures = [_figure(plot, f"{section.key}-{i}", private) for i, plot in enumerate(shown, 1)]
    summary = [text.strip() for text in section.summary.split("\n\n") if text.strip()]
    return _Part(section, summary, [table_view(table) for table in section.tables], figures)


def _figure(plot: Plot, prefix: str, private: bool) -> _Figure:
    grid = strips(plot)
    if grid is not None:
        shown = pictures(grid, private_page=private)
        return _Figure(plot.title, plot.caption, None, "", plot.private, shown)
    svg, problem = draw(plot, prefix, private_page=private)
    return _Figure(plot.title, plot.caption, svg, problem, plot.private, [])
