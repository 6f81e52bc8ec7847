"""Write what a filter has kept: files byte by byte, tables, rejected.csv, and its record."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthmed import __version__
from synthmed.datasets.folder import DatasetFolder
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.imaging.reading import check_image
from synthmed.imaging.writing import write_atomic
from synthmed.synthesis.filters.checks import Check
from synthmed.synthesis.filters.judging import Rejection
from synthmed.synthesis.filters.record import by_check, filters_of, rejected_csv
from synthmed.synthesis.filters.redraw import Redraw

_WRITTEN = ("format_version", "spec", "rows", "columns", "content_hash")


def write_kept(
    folder: Path,
    source: DatasetFolder,
    kept: Sequence[Row],
    rejections: Sequence[Rejection],
    judges: Sequence[Check],
    drawing: Redraw | None,
) -> dict[str, Any]:
    """Copy what is kept and write the tables.

    Args:
        folder: The folder of the new dataset; replacements lie there already.
        source: The dataset that was filtered.
        kept: The rows that are kept.
        rejections: All rejections.
        judges: The checks.
        drawing: What drew the replacements; None if there are none.

    Returns:
        The filter's record, as it stands in dataset.json.

    Raises:
        SynthmedError: No row is kept, or one cannot be written.
    """
    refused = by_check([entry for entry in rejections if entry.round == 0])
    if not kept:
        said = ", ".join(f"{name} {count}" for name, count in refused.items())
        raise SynthmedError(
            f"no image passes ({said})", where=source.path, mend="Leave out a check by --checks."
        )
    redrawn = [row for row in kept if row.file.is_relative_to(folder)]
    record: dict[str, Any] = {
        "tool": f"synthmed filter {__version__}",
        "source": source.info.get("content_hash", ""),
        "checks": {
            check.name: {"rejected": refused.get(check.name, 0), "thresholds": check.thresholds}
            for check in judges
        },
        "models": [model for check in judges for model in check.models],
        "images": len(kept),
        "rejected": sum(refused.values()),
        "redrawn": len(redrawn),
    }
    if drawing is not None:
        record["redraw"] = {
            "generator": drawing.model.name,
            "generator_hash": drawing.model.hash,
            "seed": drawing.seed,
        }
        record["next_copy"] = drawing.highest
    info = {name: value for name, value in source.info.items() if name not in _WRITTEN}
    info["filters"] = [*filters_of(source.info), record]
    spec = source.spec
    if any(check_image(row.file).channels == 3 for row in redrawn):
        spec = replace(spec, channels=3)
    writer = DatasetWriter(folder, spec, info)
    for row in kept:
        path = writer.path_of(row)
        if row.file != path:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(row.file, path)
        writer.add(row, None)
    write_atomic(folder / "rejected.csv", rejected_csv(rejections))
    writer.finish()
    return record
