"""The report of an evaluation: report.json for programs, report.html for people.

- ``header``, ``grids``: who was compared, and which images are shown;
- ``plain``, ``schema``: the form of report.json;
- ``page``, ``cells``, ``verdict``: what the page says;
- ``plots``, ``plot_kinds``, ``palette``, ``svg``: its figures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synthmed.evaluation.report.grids import Grid
from synthmed.evaluation.report.header import Header
from synthmed.evaluation.report.page import render
from synthmed.evaluation.report.schema import report_data
from synthmed.evaluation.sections import Section
from synthmed.imaging.writing import write_atomic

__all__ = ["Grid", "Header", "write_report"]


def write_report(
    out: Path,
    header: Header,
    sections: Sequence[Section],
    grids: Sequence[Grid],
    private_grids: Sequence[Grid] = (),
) -> Path:
    """Write report.json, report.html and, where anything is private, report-private.html.

    Grids and plots that are private go to report-private.html only, wherever they were given.
    Where nothing is private, the private page of an earlier run is removed: it would not belong
    to the new figures. The same arguments give the same bytes.

    Args:
        out: The report's folder; made if missing.
        header: Who was compared, and how it was asked for.
        sections: The parts of the report, in their order.
        grids: Images for the public page: synthetic ones.
        private_grids: Images for the private page: whatever shows patients.

    Returns:
        The path of report.html.

    Raises:
        SynthmedError: The disk is full or the folder cannot be written.
        ValueError: Sections whose keys are no names, or are equal or reserved; data that have no
            JSON form.
    """
    out = Path(out)
    text = json.dumps(report_data(header, sections), ensure_ascii=False, allow_nan=False, indent=2)
    data = f"{text}\n".encode()
    every = [*grids, *(replace(grid, private=True) for grid in private_grids)]
    private = any(grid.private for grid in every)
    private |= any(plot.private for section in sections for plot in section.plots)
    digest = hashlib.sha256(data).hexdigest()
    public_page = render(header, sections, every, digest=digest, private=False)
    write_atomic(out / "report.json", data)
    write_atomic(out / "report.html", public_page.encode())
    if private:
        private_page = render(header, sections, every, digest=digest, private=True)
        write_atomic(out / "report-private.html", private_page.encode())
    else:
        (out / "report-private.html").unlink(missing_ok=True)
    return out / "report.html"
