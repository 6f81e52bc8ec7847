"""Organ labels of a CT, and groups of organs to project as masks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.imaging.files import Path_, shown
from synthmed.imaging.nifti import open_volume
from synthmed.xray.organ_names import MOST

SAME = 1e-2  # mm: labels lie on their CT if no corner of the two is further apart
_RANGE = re.compile(r"(\d+)-(\d+)")


def read_labels(
    path: Path_, shape: tuple[int, ...], affine: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint16]:
    """Read a label volume.

    Args:
        path: A NIfTI file of whole numbers.
        shape: Shape of the CT.
        affine: Its affine.

    Returns:
        The labels, uint16 of that shape.

    Raises:
        SynthmedError: Another grid than the CT's; values that are no labels; a damaged file.
    """
    volume = open_volume(path)
    values = volume.values
    if values.shape != shape or corners_apart(shape, volume.affine, affine) >= SAME:
        raise SynthmedError(
            "the organ labels lie on another grid than the CT",
            where=shown(path),
            mend="Resample them onto the CT's grid, by nearest neighbour.",
        )
    labels = np.clip(values, 0, MOST).astype(np.uint16)
    if not np.array_equal(labels, values):
        raise SynthmedError(f"organ labels are whole numbers from 0 to {MOST}", where=shown(path))
    return np.ascontiguousarray(labels)


def corners_apart(
    shape: tuple[int, ...], first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> float:
    """Give the greatest distance along an axis, in mm, of a grid's corners under two affines."""
    ends = np.stack(np.meshgrid(*[(0.0, n - 1.0) for n in shape]), axis=-1).reshape(-1, 3)
    apart = first - second
    return float(np.abs(ends @ apart[:3, :3].T + apart[:3, 3]).max())


def parse_groups(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read groups of organs, each "NAME=PART,PART".

    Args:
        texts: A part is a label number ("13"), a range ("13-17"), or an organ's name, in which *
            stands for any letters ("lung_*").

    Raises:
        SynthmedError: A text of no such form, or a name that occurs twice.
    """
    groups: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, sign, rest = (part.strip() for part in text.partition("="))
        parts = tuple(part.strip() for part in rest.split(",") if part.strip())
        if not (name and sign and parts and name.isprintable()):
            raise SynthmedError(
                f"{text!r} names no organs", mend='Write such as "lungs=13,14,15" or "lungs=lung_*"'
            )
        if name in groups:
            raise SynthmedError(f"the organs {name!r} are named twice")
        groups[name] = parts
    return groups


def resolve_groups(
    groups: Mapping[str, Sequence[str | int]], names: Mapping[int, str], present: Iterable[int]
) -> dict[str, tuple[int, ...]]:
    """Find the label numbers of groups of organs in one CT.

    Args:
        groups: Parts by the group's name, as `parse_groups` gives them, or label numbers.
        names: Organ name by label number.
        present: The label numbers that occur in the CT.

    Returns:
        The numbers that occur, by group; () for a group without any.

    Raises:
        SynthmedError: A name that no organ has.
    """
    there = set(present)
    found: dict[str, tuple[int, ...]] = {}
    for group, parts in groups.items():
        wanted = {number for part in parts for number in _numbers(str(part), names)}
        found[group] = tuple(sorted(wanted & there))
    return found


def _numbers(part: str, names: Mapping[int, str]) -> list[int]:
    if part.isdecimal():
        return [int(part)]
    if match := _RANGE.fullmatch(part):
        return list(range(int(match[1]), min(int(match[2]), MOST) + 1))
    numbers = [n for n, name in names.items() if fnmatchcase(name.lower(), part.lower())]
    if not numbers:
        known = ", ".join(sorted(names.values())[:12]) + (", ..." if len(names) > 12 else "")
        raise SynthmedError(
            f"no organ is called {part!r}",
            mend=f"Known: {known}." if names else "Give label numbers, or a table of names.",
        )
    return numbers


def groups_present(
    groups: Mapping[str, Sequence[int | str]],
    names: Mapping[int, str],
    labels_XYZ: npt.NDArray[np.uint16] | None,
    where: str,
) -> dict[str, tuple[int, ...]]:
    """Give the groups of organs that a CT has.

    Args:
        groups: As in `resolve_groups`.
        names: Organ name by label number.
        labels_XYZ: The CT's labels, (X, Y, Z); None without labels.
        where: The CT's name, for errors.

    Returns:
        Group to those of its label numbers that occur; groups of which none occurs are left out.

    Raises:
        SynthmedError: No labels, none of the groups; as `resolve_groups`.
    """
    if labels_XYZ is None:
        raise SynthmedError(
            "there are no organ labels for this CT",
            where=where,
            mend="Name them (--labels), or ask for no organs.",
        )
    present = np.flatnonzero(np.bincount(labels_XYZ.ravel()))
    found = resolve_groups(groups, names, present[present > 0].tolist())
    if not any(found.values()):
        raise SynthmedError("the CT has none of the organs", where=where)
    return {group: numbers for group, numbers in found.items() if numbers}
