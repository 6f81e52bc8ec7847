"""A page that shows every image of a synthetic dataset and says how each was made."""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.imaging.writing import write_atomic
from synthmed.synthesis.contact_sheet import rows_by_type
from synthmed.synthesis.journal import PLAN
from synthmed.synthesis.provenance import DIGITAL_SOURCE_TYPE, SOFTWARE

_MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


@dataclass(frozen=True)
class _Card:
    """One image of the page."""

    source: str
    prompt: str
    seed: str
    facts: tuple[tuple[str, str], ...]
    details: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]


def gallery(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    title: str = "Synthetic medical images",
    command: Sequence[str] = (),
) -> Path:
    """Write a self-contained page with every image of a synthetic dataset folder.

    Args:
        dataset: A dataset folder that `generate` wrote.
        out: The page; by default `index.html` in the dataset folder.
        title: Its heading.
        command: The command that made the dataset, to be shown.

    Returns:
        The path of the page. Images, style and text are all inside it.

    Raises:
        SynthmedError: No dataset, or the page cannot be written.
    """
    folder = Path(dataset)
    page = folder / "index.html" if out is None else Path(out)
    rows = read_dataset(folder).rows
    sections = [
        (kind or "other images", [_card(row) for row in group])
        for kind, group in rows_by_type(rows).items()
    ]
    environment = Environment(
        loader=PackageLoader("synthmed", "synthesis/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("gallery.html").render(
        title=title,
        sections=sections,
        summary=_summary(folder, rows, len(sections)),
        command=shlex.join(command),
        source_type=DIGITAL_SOURCE_TYPE,
        software=SOFTWARE,
    )
    write_atomic(page, html.encode("utf-8"))
    return page


def _card(row: Row) -> _Card:
    data = base64.b64encode(row.file.read_bytes()).decode("ascii")
    facts = [(name, _show(row.extra.get(name))) for name in ("guidance", "steps")]
    details = [("file", f"{row.split}/{row.file_name}"), ("group", row.group_id)]
    details += [(name.replace("_", " "), _show(row.extra.get(name))) for name in _DETAILS]
    return _Card(
        source=f"data:{_MEDIA.get(row.file.suffix.lower(), 'image/png')};base64,{data}",
        prompt=str(row.extra.get("prompt") or row.text),
        seed=_show(row.extra.get("seed")),
        facts=tuple((name, value) for name, value in facts if value),
        details=tuple((name, value) for name, value in details if value),
        labels=row.labels,
    )


_DETAILS = ("negative_prompt", "generator", "generator_hash")


def _show(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _summary(folder: Path, rows: Sequence[Row], types: int) -> list[tuple[str, str]]:
    """Give the figures at the head of the page, of the rows and, if it is there, the plan."""
    settings: dict[str, Any] = {}
    if (folder / PLAN).is_file():
        settings = json.loads((folder / PLAN).read_text(encoding="utf-8")).get("settings", {})
    figures = [("images", str(len(rows))), ("types", str(types))]
    for name in ("generator", "guidance", "steps"):
        values = sorted({_show(row.extra.get(name)) for row in rows} - {""})
        figures.append((name, ", ".join(values)))
    figures += [
        ("solver", _show(settings.get("solver"))),
        ("run seed", _show(settings.get("seed"))),
    ]
    return [(name, value) for name, value in figures if value]
