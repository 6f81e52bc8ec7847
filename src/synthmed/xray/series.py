"""Find the CT series among DICOM files: which slices belong together, and whom they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmed.datasets.importers.deidentify import age_of, code_of, patient_of, sex_of, text_of
from synthmed.datasets.importers.dicom_kinds import refusal
from synthmed.datasets.importers.walking import first_bytes, walk_files
from synthmed.errors import SynthmedError
from synthmed.imaging.dicom import read_header
from synthmed.imaging.files import shown

if TYPE_CHECKING:
    from pydicom import Dataset

_SUFFIXES = {".dcm", ".dicom", ".ima"}


@dataclass(frozen=True)
class Series:
    """One series of CT slices.

    Attributes:
        uid: Series Instance UID, "" if the files have none.
        files: Its files, by name.
        patient: What identifies the patient (`deidentify.patient_of`); never written as it is.
        facts: `age`, `sex` and `body_part` as far as the header says.
    """

    uid: str
    files: tuple[Path, ...]
    patient: str
    facts: dict[str, Any]


@dataclass
class Found:
    """What was found under a folder.

    Attributes:
        series: The CT series, by their UID.
        others: Why other DICOM files are no CT slices, and how many.
        broken: Files that are DICOM by name or content, but cannot be read, with the reason.
    """

    series: list[Series] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    broken: dict[Path, str] = field(default_factory=dict)


def find_series(path: Path) -> Found:
    """Find the CT series under a folder, or in one file; only headers are read.

    Localizers, reports, screen captures and slices of other modalities are left aside.

    Raises:
        SynthmedError: No such folder.
    """
    return sort_series(file for _, file in walk_files(path))


def sort_series(files: Iterable[Path]) -> Found:
    """Sort files into CT series; what is no DICOM is passed over."""
    found = Found()
    members: dict[str, list[Path]] = {}
    first: dict[str, Dataset] = {}
    for file in files:
        if not looks_dicom(file):
            continue
        try:
            header = read_header(file)
        except SynthmedError as error:
            found.broken[file] = str(error)
            continue
        reason = _not_a_slice(header)
        if reason:
            found.others[reason] += 1
            continue
        uid = text_of(header, "SeriesInstanceUID")
        members.setdefault(uid, []).append(file)
        first.setdefault(uid, header)
    for uid in sorted(members):
        header = first[uid]
        found.series.append(Series(uid, tuple(members[uid]), patient_of(header), _facts(header)))
    return found


def looks_dicom(file: Path) -> bool:
    """Tell whether a file is DICOM by its first bytes or its suffix; a DICOMDIR is none."""
    if file.name.upper() == "DICOMDIR":
        return False
    return first_bytes(file, 132)[128:] == b"DICM" or file.suffix.lower() in _SUFFIXES


def choose_series(found: Found, place: Path, uid: str | None = None) -> Series:
    """Choose one of the series that were found.

    Args:
        found: What `find_series` gave.
        place: The folder, for errors.
        uid: Series Instance UID; None where there is one series only.

    Raises:
        SynthmedError: No CT series, none of this UID, or several and no choice; a file beside the
            slices that cannot be read, and so may be one of them.
    """
    if not found.series:
        raise nothing_found(found, place)
    known = [f"{s.uid or '(no UID)'} ({len(s.files)} slices)" for s in found.series[:10]]
    listed = ", ".join(known) + (", ..." if len(found.series) > len(known) else "")
    chosen = [s for s in found.series if uid is None or s.uid == uid]
    if len(chosen) != 1:
        what = f"no CT series {uid!r}" if uid else f"{len(found.series)} CT series"
        raise SynthmedError(
            f"{what} in this folder: {listed}",
            where=shown(place),
            mend="Name one of them (--series UID).",
        )
    check_whole(found, chosen[0])
    return chosen[0]


def check_whole(found: Found, series: Series) -> None:
    """Refuse a series beside whose slices lies a DICOM file that cannot be read.

    Raises:
        SynthmedError: There is such a file: it may be a slice of the series.
    """
    folders = {file.parent for file in series.files}
    for file, reason in found.broken.items():
        if file.parent in folders:
            raise SynthmedError(
                f"a file beside the slices cannot be read, and may be one of them: {reason}",
                mend="Replace or remove it.",
            )


def nothing_found(found: Found, place: Path) -> SynthmedError:
    """Give the error for a folder without any CT series, with what is there instead."""
    reasons = [f"{reason} ({count})" for reason, count in found.others.most_common(4)]
    reasons += [f"unreadable ({len(found.broken)})"] if found.broken else []
    there = f"; DICOM files there: {', '.join(reasons)}" if reasons else ""
    return SynthmedError(
        f"no CT series in this folder{there}",
        where=shown(place),
        mend="Name a folder of CT slices in DICOM, or a NIfTI file in Hounsfield units.",
    )


def _not_a_slice(header: Dataset) -> str:
    """Say why a DICOM file is no CT slice, "" if it is one."""
    reason = refusal(header, allow_burned_in=False, allow_captures=False)
    if reason:
        return reason.partition(":")[0]
    modality = code_of(header, "Modality")
    return "" if modality == "CT" else f"modality {modality or 'unknown'}"


def _facts(header: Dataset) -> dict[str, Any]:
    part = code_of(header, "BodyPartExamined").replace("_", " ").lower()
    facts = {"age": age_of(header), "sex": sex_of(header), "body_part": part}
    return {name: value for name, value in facts.items() if value not in ("", None)}
