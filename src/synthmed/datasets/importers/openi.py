"""Import Open-i's (Indiana University's) chest X-ray reports, with their images or without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.items import Item, Picture, RejectedError
from synthmed.datasets.importers.openi_reports import REPORTS, Report, csv_reports, xml_report
from synthmed.datasets.importers.walking import walk_files

_ENDINGS = ("", ".png", ".jpg", ".jpeg", ".dcm")


@dataclass(frozen=True)
class OpeniImporter:
    """Reads `indiana_reports.csv` with its companions, or a folder of XML reports.

    With images each image is a row that carries its study's report; without, each report is a
    line of reports.jsonl. `splits.csv` (uid, split) beside the CSV names splits.

    Attributes:
        source: The folder.
        images: The folder of the images; None takes `images/` in the source if it is there.
    """

    source: Path
    images: Path | None = None

    def items(self) -> Iterator[Item]:
        """List the reports."""
        if (self.source / REPORTS).is_file():
            for name, report in csv_reports(self.source):
                yield Item(name, report)
            return
        for name, path in walk_files(self.source):
            if path.suffix.lower() == ".xml":
                yield Item(name, path)

    def read(self, item: Item) -> Iterator[Picture]:
        """Read a report, and its images if there are any.

        Raises:
            RejectedError: No report, or an image is missing.
            SynthmedError: An image cannot be read.
        """
        from synthmed.imaging.reading import open_image

        report = item.payload
        if isinstance(report, str):
            raise RejectedError(report)
        if isinstance(report, Path):
            report = xml_report(report)
        assert isinstance(report, Report)
        folder = self._folder()
        if folder is None:
            if not report.sections:
                raise RejectedError("the report is empty")
            yield Picture(None, None, report.uid, report.cells(), report.uid, split=report.split)
            return
        if not report.images:
            raise RejectedError("the report names no image")
        missing = []
        for index, (name, view) in enumerate(report.images):
            path = _find(folder, name)
            if path is None:
                missing.append(name)
                continue
            x, spec = open_image(path)
            cells = {**report.cells(), **({"view": view} if view else {})}
            yield Picture(
                x, spec, report.uid, cells, report.uid, split=report.split, suffix=f"_{index:02d}"
            )
        if missing:
            raise RejectedError(f"images are missing: {', '.join(missing)}")

    def describe(self) -> dict[str, Any]:
        """Give the settings."""
        return {"format": "openi", "images": self._folder() is not None}

    def _folder(self) -> Path | None:
        beside = self.source / "images"
        return self.images or (beside if beside.is_dir() else None)


def _find(folder: Path, name: str) -> Path | None:
    if not name or "/" in name or "\\" in name or "\0" in name or name.startswith("."):
        return None
    for ending in _ENDINGS:
        path = folder / f"{name}{ending}"
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path
    return None
