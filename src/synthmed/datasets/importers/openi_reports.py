"""Read the reports of the Indiana University chest X-ray collection (Open-i): XML or CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.items import RejectedError
from synthmed.datasets.table_reading import BROKEN, read_table

REPORTS, PROJECTIONS, SPLITS_FILE = "indiana_reports.csv", "indiana_projections.csv", "splits.csv"
MAX_XML = 4 * 2**20  # bytes; the published reports have a few thousand
SECTIONS = ("indication", "comparison", "findings", "impression")


@dataclass
class Report:
    """A report of one study.

    Attributes:
        uid: The study; in this collection also the patient.
        sections: indication, comparison, findings, impression; blanks are left out.
        labels: Its problem terms; "no finding" where it is coded as normal.
        images: Name and view ("" if unknown) of each image.
        split: "" if the source names none.
    """

    uid: str
    sections: dict[str, str] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    images: list[tuple[str, str]] = field(default_factory=list)
    split: str = ""

    def cells(self) -> dict[str, Any]:
        """Give the report in the contract's columns."""
        cells: dict[str, Any] = {
            **self.sections,
            "modality": "X-ray",
            "body_part": "chest",
            "image_type": "chest X-ray",
            "labels": self.labels,
        }
        parts = ((name, self.sections.get(name, "")) for name in ("findings", "impression"))
        cells["report"] = "\n".join(f"{name.upper()}: {text}" for name, text in parts if text)
        return {name: value for name, value in cells.items() if value}


def csv_reports(folder: Path) -> Iterator[tuple[str, Report | str]]:
    """Give the reports of indiana_reports.csv, each with its name, or the reason against it.

    Raises:
        SynthmedError: A table cannot be read.
    """
    images: dict[str, list[tuple[str, str]]] = {}
    for row in _optional(folder / PROJECTIONS):
        view = _text(row, "projection").lower()
        images.setdefault(_text(row, "uid"), []).append((_text(row, "filename"), view))
    splits = {_text(row, "uid"): _text(row, "split") for row in _optional(folder / SPLITS_FILE)}
    for line, row in enumerate(read_table(folder / REPORTS), start=1):
        name, uid = f"{REPORTS}:{line}", _text(row, "uid")
        if BROKEN in row or not uid:
            yield name, str(row.get(BROKEN, "the report has no uid"))
            continue
        sections = {s: _text(row, s) for s in SECTIONS if _text(row, s)}
        terms = [term.strip() for term in _text(row, "Problems").split(";")]
        yield name, Report(uid, sections, _labels(terms), images.get(uid, []), splits.get(uid, ""))


def xml_report(path: Path) -> Report:
    """Read one XML report as published by Open-i.

    Raises:
        RejectedError: It is no such report, too large, or unsafe XML (entities, DTD).
    """
    import defusedxml  # type: ignore[import-untyped]
    from defusedxml.ElementTree import ParseError, parse  # type: ignore[import-untyped]

    if path.stat().st_size > MAX_XML:
        raise RejectedError("the report is too large")
    try:
        root = parse(path, forbid_dtd=True).getroot()
    except (ParseError, defusedxml.DefusedXmlException, OSError, ValueError) as error:
        raise RejectedError(f"no safe XML: {type(error).__name__}: {error}") from error
    if root is None or root.tag != "eCitation":
        raise RejectedError("no report of Open-i (eCitation)")
    uid = next((e.get("id", "") for e in root.iter("uId")), "") or path.stem
    sections = {}
    for element in root.iter("AbstractText"):
        text = " ".join("".join(element.itertext()).split())
        if element.get("Label", "").lower() in SECTIONS and text:
            sections[element.get("Label", "").lower()] = text
    terms = [(e.text or "").split("/")[0].strip() for e in root.iter("major")]
    images = [(e.get("id", ""), "") for e in root.iter("parentImage") if e.get("id")]
    return Report(uid, sections, _labels(terms), images)


def _labels(terms: list[str]) -> list[str]:
    names = ["no finding" if t.lower() == "normal" else t.lower() for t in terms if t]
    return list(dict.fromkeys(names))


def _text(row: Mapping[str, Any], column: str) -> str:
    return " ".join(str(row.get(column) or "").split())


def _optional(table: Path) -> Iterator[dict[str, Any]]:
    if table.is_file():
        yield from read_table(table)
