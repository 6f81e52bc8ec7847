"""The rows that a run learns from: the sources of a recipe, read and checked for leakage."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import SPLITS, Row
from synthmed.errors import SafetyError, SynthmedError

_KEYS = ("path", "columns", "where", "licence", "credit")


@dataclass(frozen=True)
class Sources:
    """What the sources of a recipe hold.

    Attributes:
        rows: The usable rows of all sources.
        credits: Name, licence and credit of each source.
        rejected: The rows left out: `source`, `file_name`, `reason`.
    """

    rows: list[Row]
    credits: list[dict[str, str]]
    rejected: list[dict[str, str]]


def read_sources(sources: Any, base: Path) -> Sources:
    """Read all sources of a recipe, and see that they can be trained on.

    Args:
        sources: A dataset folder, a YAML list of sources, or the list itself.
        base: Folder that relative paths are relative to, unless they exist from here.

    Raises:
        SynthmedError: No sources, an unknown key, no training or no validation rows.
        SafetyError: A group (patient) in more than one split.
    """
    read = collect_sources(sources, base)
    _check_splits(read.rows)
    _check_leakage(read.rows)
    return read


def collect_sources(sources: Any, base: Path) -> Sources:
    """Read all sources, whatever their splits.

    Args:
        sources: A dataset folder, a YAML list of sources, or the list itself.
        base: Folder that relative paths are relative to, unless they exist from here.

    Raises:
        SynthmedError: No sources, an unknown key, a folder without a usable row.
    """
    listing, base = _listing(sources, base)
    rows: list[Row] = []
    credits, rejected = [], []
    for source in listing:
        path = _resolve(str(source["path"]), base)
        folder = read_dataset(path, columns=source.get("columns"), where=source.get("where"))
        name = folder.path.resolve().name
        rows += folder.rows
        rejected += [
            {"source": name, "file_name": bad.file_name, "reason": bad.reason}
            for bad in folder.rejected
        ]
        licence, credit = source.get("licence", "not stated"), source.get("credit", "")
        credits.append({"source": name, "licence": str(licence), "credit": str(credit).strip()})
    return Sources(rows, credits, rejected)


def _listing(sources: Any, base: Path) -> tuple[list[dict[str, Any]], Path]:
    """The sources as a list, and what their paths are relative to."""
    if isinstance(sources, str) and sources.endswith((".yaml", ".yml")):
        file = _resolve(sources, base)
        if not file.is_file():
            raise SynthmedError("no such list of sources", where=file)
        try:
            base, sources = file.parent, yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SynthmedError("the list of sources is not valid YAML", where=file) from error
    if isinstance(sources, str) and sources:
        sources = [{"path": sources}]
    if not isinstance(sources, list) or not sources:
        raise SynthmedError(
            "no data is named",
            where=sources or None,
            mend="Name a dataset folder, or a YAML list of sources (data.sources in a recipe).",
        )
    for source in sources:
        if not isinstance(source, dict) or "path" not in source:
            raise SynthmedError("a source has no path", where=source)
        if unknown := [key for key in source if key not in _KEYS]:
            raise SynthmedError(
                f"unknown key {unknown[0]!r} of a source",
                where=source["path"],
                mend=f"Known keys: {', '.join(_KEYS)}.",
            )
    return sources, base


def _resolve(path: str, base: Path) -> Path:
    given = Path(path)
    return given if given.is_absolute() or given.exists() else base / given


def _check_splits(rows: Sequence[Row]) -> None:
    counts = Counter((row.split, row.image_type) for row in rows)
    for split in ("train", "val"):
        if not any(of == split for of, _ in counts):
            raise SynthmedError(
                f"no image has split {split}",
                mend="Training needs train and val rows, of different patients.",
            )
    for split, image_type in list(counts):
        if split == "train" and not counts["val", image_type]:
            warnings.warn(
                f"{image_type!r} has no validation image: nothing will be measured on this type",
                stacklevel=2,
            )


def _check_leakage(rows: Sequence[Row]) -> None:
    groups = {split: {r.group_id for r in rows if r.split == split} for split in SPLITS}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        if both := sorted(groups[one] & groups[other]):
            raise SafetyError(
                f"{len(both)} groups are both in {one} and in {other}",
                where=both[0],
                mend="Split by patient: every group_id belongs to one split.",
            )
