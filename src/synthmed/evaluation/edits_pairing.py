"""Find the source of each edited image among the real images."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import SPLITS, Row, as_text
from synthmed.evaluation.context import Context
from synthmed.evaluation.judged_estimates import sampled
from synthmed.evaluation.sides import Side

COLUMN, DIGEST, DOMAIN = "source_file", "source_hash", "source_domain"
MOST = 2000
"""Pairs that are judged; more are drawn by patient."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NONE = "no real image has this name"
_SEVERAL = "several real images have this name"
_OTHER = "the real image of this name is of another patient"
_CHANGED = "no real image has the stated hash"

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Edited images with their sources.

    Attributes:
        edits: (N,) numbers of the synthetic rows.
        sources: (N,) numbers of the real rows.
        source_domains: (N,) where each source comes from.
        target_domains: (N,) what each edit was brought to.
        groups: (N,) patient of each source.
        named: Synthetic rows that name a source.
        found: How many were found, by "content" (hash of the file) and by "name".
        missing: How many were not, by reason.
    """

    edits: Index
    sources: Index
    source_domains: npt.NDArray[np.str_]
    target_domains: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    named: int
    found: Mapping[str, int]
    missing: Mapping[str, int]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.edits)

    def take(self, chosen: Any) -> Pairs:
        """Give some pairs: a mask (N,), or their numbers."""
        return replace(
            self,
            edits=self.edits[chosen],
            sources=self.sources[chosen],
            source_domains=self.source_domains[chosen],
            target_domains=self.target_domains[chosen],
            groups=self.groups[chosen],
        )


def names_sources(context: Context) -> bool:
    """Whether any synthetic row names the image that it is an edit of, by file or by hash."""
    return any(as_text(row.extra.get(COLUMN)) or _digest(row) for row in context.synthetic.rows)


def _digest(row: Row) -> str:
    """The SHA-256 of the source's file that a row states, else "" (renders hash their volume)."""
    text = as_text(row.extra.get(DIGEST))
    return text if _SHA256.fullmatch(text) else ""


def find_pairs(context: Context) -> Pairs:
    """Pair edits with their sources.

    A source is found by the hash of its file where the edit states one (column `source_hash`),
    else by its name (column `source_file`): the name must be the end of a real image's path, or
    the other way round; a split in it must be the image's own. Where the edit names a patient
    (`group_id`), the image must be of this patient. If that leaves several, the edit has no
    source.

    Args:
        context: The compared sides.

    Returns:
        The pairs; at most 2,000, drawn by patient.
    """
    real, made = context.real, context.synthetic
    by_digest = {digest: i for i, digest in enumerate(real.digests.tolist())}
    by_name: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(real.rows):
        by_name[row.file.name].append(i)
    found, missing, pairs = Counter[str](), Counter[str](), list[tuple[int, int]]()
    for number, row in enumerate(made.rows):
        name, digest = as_text(row.extra.get(COLUMN)), _digest(row)
        if not (name or digest):
            continue
        if digest and digest not in by_digest:
            missing[_CHANGED] += 1
            continue
        if digest:
            found["content"] += 1
            pairs.append((number, by_digest[digest]))
            continue
        fits = _fitting(name, real, by_name)
        own = [i for i in fits if not _patient(row) or real.rows[i].group_id == row.group_id]
        if len(own) == 1:
            found["name"] += 1
            pairs.append((number, own[0]))
        else:
            missing[_SEVERAL if own else _OTHER if fits else _NONE] += 1
    return _drawn(_as_pairs(pairs, real, made, found, missing), context.settings.seed)


def _patient(edit: Row) -> str:
    """The patient that an edit names; "" where its group is but its own file, as readers set it."""
    group = PurePosixPath(edit.group_id).parts
    return "" if not group or edit.file.parts[-len(group) :] == group else edit.group_id


def _fitting(name: str, real: Side, by_name: Mapping[str, Sequence[int]]) -> list[int]:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return [i for i in by_name.get(parts[-1] if parts else "", ()) if _is(parts, real.rows[i])]


def _is(parts: tuple[str, ...], row: Row) -> bool:
    """Whether a source's path may be a row's image."""
    if row.file.parts[-len(parts) :] == parts:
        return True
    own = PurePosixPath(row.file_name).parts
    if parts[-len(own) :] != own:
        return False
    before = parts[-len(own) - 1]  # there is one: the row's path is longer
    return before not in SPLITS or before == row.split


def _as_pairs(
    pairs: Sequence[tuple[int, int]], real: Side, made: Side, found: Any, missing: Any
) -> Pairs:
    numbers = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    origins = [
        as_text(made.rows[edit].extra.get(DOMAIN)) or real.rows[source].domain
        for edit, source in pairs
    ]
    return Pairs(
        numbers[:, 0],
        numbers[:, 1],
        np.asarray(origins, dtype=np.str_),
        np.asarray([made.rows[edit].domain for edit, _ in pairs], dtype=np.str_),
        real.groups[numbers[:, 1]],
        sum(found.values()) + sum(missing.values()),
        dict(found),
        dict(missing),
    )


def _drawn(pairs: Pairs, seed: int) -> Pairs:
    return pairs if len(pairs) <= MOST else pairs.take(sampled(pairs.groups, MOST, seed))
