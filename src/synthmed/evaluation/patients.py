"""Whether patients are known; where they are not, no light that speaks of patients is green.

Patients count as unknown for an image whose group is its own file, as readers give it where a
table has no `group_id` and as `translate` makes it of files without a table, for the images of an
import that names no patients, and for the renders of CTs that name none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.evaluation.context import Context
from synthmed.evaluation.sections import Light, Section, State
from synthmed.evaluation.sides import Side

MOST_UNKNOWN = 0.05
"""Share of the real or of the training images without a patient above which nothing is green."""
RULE = (
    f"Not green where more than {MOST_UNKNOWN:.0%} of the real or of the training images name no "
    "patient."
)
_WHY = "images of one patient may stand on both sides, and intervals are by image"
_PSEUDONYM = re.compile(r":[0-9a-f]{16}$")  # what an import calls a group
_DEPTH = 3  # dataset.json lies up to so many folders above an image: root/split/images


def without_patient(side: Side) -> npt.NDArray[np.bool_]:
    """Tell which images of a side are of unknown patients.

    Args:
        side: Real images, or training images.

    Returns:
        (N,) True where the group is the file itself, that of an import that names no patients, or
        one that dataset.json lists as a CT's that names none.
    """
    said = {folder: _record(folder) for folder in {row.file.parent for row in side.rows}}
    nobody = {folder: _import_names_nobody(info) for folder, info in said.items()}
    listed = {folder: _listed_groups(info) for folder, info in said.items()}
    found = [
        _is_own_file(row)
        or row.group_id in listed[row.file.parent]
        or (nobody[row.file.parent] and bool(_PSEUDONYM.search(row.group_id)))
        for row in side.rows
    ]
    return np.asarray(found, dtype=np.bool_)


def name_unknown(sides: Sequence[Side | None], warnings: list[str]) -> None:
    """Warn of images of unknown patients.

    Args:
        sides: Real images, training images; None says nothing.
        warnings: A sentence is added for each side that has any.
    """
    for side in sides:
        if side is not None and (count := int(without_patient(side).sum())):
            text = f"patients are unknown for {count} of {len(side)} {side.name} images: {_WHY}"
            held = "; no light that rests on patients is green"
            warnings.append(text + held * (count > MOST_UNKNOWN * len(side)))


def unknown_patients(context: Context) -> str:
    """Say why lights are held back; "" where enough patients are known.

    Args:
        context: The compared sides. The synthetic side has no patients and is not looked at.
    """
    parts = []
    for side in (context.real, context.train):
        count = 0 if side is None else int(without_patient(side).sum())
        if side is not None and count > MOST_UNKNOWN * len(side):
            parts.append(f"{count} of {len(side)} {side.name} images")
    return f"patients are unknown ({', '.join(parts)}): {_WHY}" if parts else ""


def hold_back(section: Section, reason: str) -> Section:
    """Turn a section's green lights amber, and give the reason with every light that says anything.

    Args:
        section: The section.
        reason: What `unknown_patients` said; "" leaves the section as it is.
    """
    if not reason:
        return section
    return replace(section, lights=[_held_back(light, reason) for light in section.lights])


def _held_back(light: Light, reason: str) -> Light:
    if light.state == "grey":
        return light
    state: State = "amber" if light.state == "green" else light.state
    said = light.reason.removesuffix(".")
    return replace(light, state=state, rule=f"{light.rule} {RULE}", reason=f"{said}; {reason}")


def _is_own_file(row: Row) -> bool:
    """Whether the group is the file: its hash, its name, or the last parts of its path."""
    if row.group_id.startswith("file:"):
        return True
    if not row.file.suffix and "/" not in row.group_id:
        return False  # a file without an ending may bear its patient's name
    return f"/{row.file.as_posix()}".endswith(f"/{row.group_id}")


def _record(folder: Path) -> dict[str, Any]:
    """Give what the dataset.json of a folder's images says, {} where there is none."""
    for place in (folder, *folder.parents[: _DEPTH - 1]):
        try:
            info = json.loads((place / "dataset.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return info if isinstance(info, dict) else {}
    return {}


def _import_names_nobody(info: Mapping[str, Any]) -> bool:
    """Whether images were imported without patients: by class or domain alone, or of MedMNIST."""
    details = info.get("import")
    if not isinstance(details, dict):
        return False
    kind = details.get("format")
    return kind == "medmnist" or (kind in ("classes", "domains") and not details.get("group"))


def _listed_groups(info: Mapping[str, Any]) -> frozenset[str]:
    """Give the groups that `synthmed render` made of CTs without a patient."""
    details = info.get("unknown_patients")
    groups = details.get("groups") if isinstance(details, dict) else None
    listed = groups if isinstance(groups, list) else []
    return frozenset(group for group in listed if isinstance(group, str))
