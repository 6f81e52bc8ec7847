"""Leakage between splits: the same patient, the same pixels, nearly the same image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from synthmed.datasets.rows import SPLITS, Row
from synthmed.datasets.validation.findings import Finding
from synthmed.datasets.validation.looks import Looks
from synthmed.datasets.validation.near_duplicates import best_matches


def group_leaks(rows: Sequence[Row]) -> Iterator[Finding]:
    """Find groups (patients) in more than one split; one finding a group."""
    splits: dict[str, dict[str, Row]] = {}
    for row in rows:
        splits.setdefault(row.group_id, {}).setdefault(row.split, row)
    for group, first in splits.items():
        if len(first) > 1:
            names = " and ".join(name for name in SPLITS if name in first)
            where = ", ".join(place(first[name]) for name in SPLITS if name in first)
            yield Finding("group", "error", where, f"group {group} is in {names}")


def same_pixels(rows: Sequence[Row], looks: Looks) -> Iterator[Finding]:
    """Find images of the same decoded pixels: in two splits (error) or in one (warning)."""
    seen: dict[bytes, list[int]] = {}
    for index, digest in enumerate(looks.digests):
        if digest:
            seen.setdefault(digest, []).append(index)
    for indices in seen.values():
        if len(indices) < 2:
            continue
        first = rows[indices[0]]
        other = next((rows[i] for i in indices if rows[i].split != first.split), None)
        where = f"{place(first)}, {place(other or rows[indices[1]])}"
        files = f"{len(indices)} files have the same pixels"
        if other is None:
            yield Finding("duplicate", "warning", where, f"{files}, in {first.split}")
        else:
            splits = {rows[i].split for i in indices}
            names = " and ".join(name for name in SPLITS if name in splits)
            yield Finding("pixels", "error", where, f"{files}, in {names}")


def near_duplicates(rows: Sequence[Row], looks: Looks) -> Iterator[Finding]:
    """Find nearly the same image in two splits: for each image the best match in another split.

    Images of the same pixels are left to `same_pixels`.
    """
    parts = {
        name: np.asarray([i for i in _distinct(looks) if rows[i].split == name], np.int64)
        for name in SPLITS
    }
    for one, other in combinations(SPLITS, 2):
        for match in best_matches(looks.vectors_NW, looks.bits_NB, parts[one], parts[other]):
            where = f"{place(rows[match.first])}, {place(rows[match.second])}"
            message = (
                f"nearly the same image in {one} and {other} (correlation {match.correlation:.3f})"
            )
            yield Finding("near-duplicate", "error", where, message)


def place(row: Row) -> str:
    """Name a row's file: its split and its name in the table."""
    return f"{row.split}: {row.file_name}"


def _distinct(looks: Looks) -> Iterator[int]:
    """Give one image of each digest, those that can be read only."""
    seen: set[bytes] = set()
    for index, digest in enumerate(looks.digests):
        if digest and digest not in seen:
            seen.add(digest)
            yield index
