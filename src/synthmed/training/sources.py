"""The rows that a run learns from: the sources of a recipe, read and checked for leakage."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
        shared: Groups that stand in several splits because that was allowed.
    """

    rows: list[Row]
    credits: list[dict[str, str]]
    rejected: list[dict[str, str]]
    shared: frozenset[str] = frozenset()


def read_sources(sources: Any, base: Path, shared_groups: Sequence[str] = ()) -> Sources:
    """Read all sources of a recipe, and see that they can be trained on.

    Args:
        sources: A dataset folder, a YAML list of sources, or the list itself.
        base: Folder that relative paths are relative to, unless they exist from here.
        shared_groups: Groups that may stand in several splits, such as a CT volume.

    Raises:
        SynthmedError: No sources, an unknown key, no training or no validation rows, or a shared
            group that no row has.
        SafetyError: A group (patient) in more than one split that is not a shared one.
    """
    read = collect_sources(sources, base)
    _check_splits(read.rows)
    shared = _check_leakage(read.rows, frozenset(shared_groups))
    _warn_of_shared(read.rows, shared)
    return replace(read, shared=shared)


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


def _check_leakage(rows: Sequence[Row], allowed: frozenset[str]) -> frozenset[str]:
    """Refuse groups in several splits, and give those that may be there and are."""
    groups = {split: {r.group_id for r in rows if r.split == split} for split in SPLITS}
    if unknown := sorted(allowed.difference(*groups.values())):
        raise SynthmedError(
            f"data.shared_groups names {unknown[0]!r}, which no row has",
            mend="Write it as it stands in the column group_id.",
        )
    shared: set[str] = set()
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        both = groups[one] & groups[other]
        if refused := sorted(both - allowed):
            raise SafetyError(
                f"{len(refused)} groups are both in {one} and in {other}",
                where=refused[0],
                mend="Split by patient: every group_id belongs to one split. (Where one CT is a "
                "whole simulator, name its group_id in data.shared_groups.)",
            )
        shared |= both
    return frozenset(shared)


def _warn_of_shared(rows: Sequence[Row], shared: frozenset[str]) -> None:
    """Say in which domains (or types) no patient, or not every patient, was held out."""
    held_out = [row for row in rows if row.split != "train"]
    counts = Counter((r.domain or r.image_type, r.group_id in shared) for r in held_out)
    touched = sorted({name for name, is_shared in counts if is_shared})
    partly = [name for name in touched if counts[name, False]]
    wholly = [name for name in touched if not counts[name, False]]
    said = [f"no held-out patients in {', '.join(wholly)}"] if wholly else []
    said += [f"not only held-out patients in {', '.join(partly)}"] if partly else []
    if shared:
        warnings.warn(
            f"{len(shared)} groups stand in several splits, as data.shared_groups allows: "
            f"{'; '.join(said)}. What is measured there says nothing of new patients",
            stacklevel=3,
        )
