"""The images that a Generator is calibrated on: those of each domain, of patients it never saw."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmed.datasets.rows import SPLITS, Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.sizes import equal_n
from synthmed.training.sources import collect_sources


@dataclass(frozen=True)
class Material:
    """What a calibration works on.

    Attributes:
        rows: The drawn rows by domain.
        shared: Groups of the training set among them that the recipe shares between splits.
        rejected: Rows that cannot be read: `file_name`, `reason`.
    """

    rows: Mapping[str, tuple[Row, ...]]
    shared: tuple[str, ...]
    rejected: list[dict[str, str]]


def read_material(
    card: Mapping[str, Any],
    dataset: str | os.PathLike[str],
    domains: Sequence[str],
    *,
    split: str,
    most: int,
    seed: int,
) -> Material:
    """Read the rows of each domain, and draw the images by patient.

    Args:
        card: The Generator's card: it names, by hashes, the groups that it was trained on.
        dataset: A dataset folder, or a YAML list of sources as recipes have it.
        domains: The domains wanted.
        split: The split to take.
        most: Images a domain; whole groups are drawn.
        seed: Seeds the draw.

    Raises:
        SynthmedError: No such dataset, split or row.
        SafetyError: The Generator was trained on a patient of these rows, who is not in a group
            that its recipe shares between splits.
    """
    if split not in SPLITS:
        raise SynthmedError(f"no split is called {split!r}", mend=f"Known: {', '.join(SPLITS)}.")
    found = collect_sources(str(dataset), Path())
    rows = [row for row in found.rows if row.split == split and row.domain in domains]
    if not rows:
        raise SynthmedError(
            f"no image of split {split} has a domain of the model",
            where=dataset,
            mend=f"The column domain names one of {', '.join(domains)}.",
        )
    shared = _refuse_seen(card, rows, dataset)
    drawn = {}
    for domain in domains:
        own = sorted((row for row in rows if row.domain == domain), key=lambda row: row.file_name)
        drawn[domain] = tuple(_drawn(own, most, seed))
    rejected = [{"file_name": b["file_name"], "reason": b["reason"]} for b in found.rejected]
    return Material(drawn, shared, rejected)


def learnt_from(extractor: Any, rows: Sequence[Row]) -> str:
    """A warning where an extractor was trained on some of these patients; "" else."""
    if seen := set(group_hashes(rows)) & set(getattr(extractor, "groups", ())):
        return f"{extractor.id} was trained on {len(seen)} of these patients (groups)"
    return ""


def _drawn(rows: Sequence[Row], most: int, seed: int) -> list[Row]:
    if len(rows) <= most:
        return list(rows)
    kept, _ = equal_n(len(rows), most, [row.group_id for row in rows], seed=seed)
    return [rows[i] for i in kept]


def _refuse_seen(card: Mapping[str, Any], rows: Sequence[Row], where: object) -> tuple[str, ...]:
    """Give the shared groups among the training groups; other training groups are refused.

    Groups that a given codec alone was trained on are named: it may keep more of their structure.
    """
    seen = set(card.get("training_groups") or ())
    names = {group: hashlib.sha256(group.encode()).hexdigest() for group in _groups(rows)}
    known = [group for group, digest in names.items() if digest in seen]
    allowed = {str(name) for name in card.get("shared_groups") or ()}
    shared = [group for group in known if {group, names[group]} & allowed]
    if left := len(known) - len(shared):
        raise SafetyError(
            f"the generator was trained on {left} of these {len(names)} patients (groups)",
            where=where,
            mend="Calibrate on images of other patients, such as the validation split.",
        )
    listed = seen | set(card.get("validation_groups") or ())
    if listed and not listed & set(names.values()):
        warnings.warn(
            "the generator's card names none of these patients, neither for training nor for"
            " validation: where they were imported again, under another salt or name, nobody can"
            " tell who was trained on",
            stacklevel=2,
        )
    codec = set(names.values()) & (set(card.get("codec_groups") or ()) - seen)
    if codec:
        warnings.warn(
            f"the generator's codec was trained on {len(codec)} of these {len(names)} patients"
            " (groups): of new patients it may keep less structure",
            stacklevel=2,
        )
    return tuple(shared)


def _groups(rows: Sequence[Row]) -> list[str]:
    return sorted({row.group_id for row in rows})
