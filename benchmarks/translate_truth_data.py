"""The MRI of table 2: two sequences of one slice, learnt from unpaired.

Training is unpaired by patients. The training patients of `lgg-brain-mri`, and likewise its
validation patients, are dealt into two halves by a seed: one half gives pre-contrast slices only,
the other FLAIR slices only. So no patient gives both sequences, and no pair is seen. Test patients
are in neither half.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.data import load_framed
from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.errors import SafetyError, SynthmedError

SEED = 0
SOURCE, TARGET = "pre-contrast", "FLAIR"
COLUMNS: dict[str, Any] = {
    "image_type": {"const": "brain MRI"},
    "view": {"const": "axial"},
    "labels": {"map": {"0": "no lesion", "1": "lesion"}, "from": "has_lesion"},
    "domain": "sequence",
    "group_id": {"template": "lgg:{patient_id}"},
    "study_id": {"template": "lgg:{pair_id}"},
}


def read_mri(folder: Path) -> list[Row]:
    """The rows of both sequences; those of other sequences are left out.

    Raises:
        SynthmedError: The set is not there, or a row cannot be read.
    """
    return whole(folder, COLUMNS, {"sequence": [SOURCE, TARGET]})


def halves(rows: Sequence[Row], seed: int = SEED) -> dict[str, set[str]]:
    """Deal the training and validation patients: sequence to the patients that give it.

    Every split is dealt by itself, so that both halves train and validate. Who has one sequence
    only gives that one.

    Args:
        rows: Of `read_mri`.
        seed: Seeds the dealing.
    """
    dealt: dict[str, set[str]] = {SOURCE: set(), TARGET: set()}
    for number, split in enumerate(("train", "val")):
        gives = {
            name: {r.group_id for r in rows if (r.split, r.domain) == (split, name)}
            for name in dealt
        }
        for name, patients in gives.items():
            dealt[name] |= patients - set.intersection(*gives.values())
        both = sorted(set.intersection(*gives.values()))
        order = np.random.default_rng([seed, number]).permutation(len(both)).tolist()
        for place, i in enumerate(order):
            dealt[(SOURCE, TARGET)[place % 2]].add(both[i])
    return dealt


def unpaired(rows: Sequence[Row], seed: int = SEED) -> dict[str, list[Row]]:
    """Sequence to the training and validation rows that translators may learn from.

    Raises:
        SafetyError: A patient, or a slice, gives both sequences, or stands in the test split.
    """
    dealt = halves(rows, seed)
    chosen = {
        sequence: [row for row in rows if row.domain == sequence and row.group_id in patients]
        for sequence, patients in dealt.items()
    }
    refuse_pairs(chosen, {row.group_id for row in rows if row.split == "test"})
    return chosen


def refuse_pairs(chosen: dict[str, list[Row]], test: set[str]) -> None:
    """See that no patient gives both sequences, and that no test patient gives any.

    Raises:
        SafetyError: One does.
    """
    patients = [{row.group_id for row in rows} for rows in chosen.values()]
    slices = [{row.study_id for row in rows} for rows in chosen.values()]
    both = (patients[0] & patients[1]) | (slices[0] & slices[1])
    if both:
        raise SafetyError(f"{len(both)} patients or slices give both sequences")
    if seen := test & (patients[0] | patients[1]):
        raise SafetyError(f"{len(seen)} test patients are among those that are learnt from")


def write_listing(folder: Path, chosen: dict[str, list[Row]], file: Path) -> Path:
    """Write the list of sources, as recipes take it, that holds the chosen rows and no others.

    Args:
        folder: The set.
        chosen: Of `unpaired`.
        file: Where to write it.
    """
    entries = []
    for sequence, rows in chosen.items():
        patients = sorted({row.group_id.removeprefix("lgg:") for row in rows})
        where = {"sequence": [sequence], "patient_id": patients}
        entries.append({"path": str(folder.resolve()), "columns": COLUMNS, "where": where})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return file


def training_arrays(chosen: dict[str, list[Row]], size: int) -> dict[str, NDArray[np.float32]]:
    """Sequence to the images of the chosen training rows, (N, 1, size, size)."""
    return {
        sequence: grey([row for row in rows if row.split == "train"], size)
        for sequence, rows in chosen.items()
    }


def grey(rows: Sequence[Row], size: int) -> NDArray[np.float32]:
    """Grey images as training frames them: (N, 1, size, size), 8 bits deep."""
    return np.ascontiguousarray(load_framed(rows, size)[:, :1])


def whole(folder: Path, columns: dict[str, Any], where: dict[str, Any]) -> list[Row]:
    """The rows of a set, every one of which must be usable.

    Raises:
        SynthmedError: A row that is not.
    """
    found = read_dataset(folder, columns=columns, where=where)
    if found.rejected:
        bad = found.rejected[0]
        raise SynthmedError(f"a row cannot be used: {bad.reason}", where=bad.file_name)
    return found.rows
