"""List the CTs that the given files and folders hold, each with its labels and its patient."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.nifti_names import stem, subject_of, volumes
from synthmed.datasets.importers.walking import walk_files
from synthmed.errors import SynthmedError
from synthmed.imaging.files import shown
from synthmed.xray.ct import CT, read_ct, read_dicom_ct
from synthmed.xray.place_names import without_places
from synthmed.xray.series import (
    Found,
    Series,
    check_whole,
    choose_series,
    looks_dicom,
    nothing_found,
    sort_series,
)

ALL = "all"


@dataclass(frozen=True)
class Source:
    """One CT to render; nothing of its voxels is read yet.

    Attributes:
        name: Names it in rejected.csv; unique among the CTs of a run.
        path: The NIfTI file, or the folder of the series.
        subject: What identifies the patient, else the volume; never written as it is.
        labels: The NIfTI file of its organ labels, or None.
        files: The slices of a DICOM series; () for NIfTI.
        facts: `age`, `sex` and `body_part`, as far as a DICOM header says.
        refusal: Why it cannot be read, "" if nothing is known yet.
        nameless: Nothing says whose volume it is: `subject` is only a path.
    """

    name: str
    path: Path
    subject: str
    labels: Path | None = None
    files: tuple[Path, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""
    nameless: bool = False

    def read(self, names: dict[int, str]) -> CT:
        """Read the volume and its labels.

        Raises:
            SynthmedError: As `read_ct`.
        """
        if self.refusal:
            raise SynthmedError(self.refusal)
        if self.files:
            return read_dicom_ct(self.files, self.labels, names)
        return read_ct(self.path, self.labels, names)

    def reason(self, error: SynthmedError) -> str:
        """Say why it cannot be read, with names in place of this machine's paths."""
        names = {self.path.parent: _short(self.path.parent)}
        for folder in {file.parent for file in self.files}:
            beside = Path(self.name, os.path.relpath(folder, self.path))
            names[folder] = os.path.normpath(beside)
        if self.labels is not None:
            names[self.labels] = f"{_short(self.labels.parent)}/{shown(self.labels.name)}"
        return without_places(str(error), {**names, self.path: self.name})


def list_sources(
    paths: Sequence[Path], labels: Path | None = None, series: str | None = None
) -> list[Source]:
    """List the CTs of files and folders.

    A file is a CT. Of a folder every NIfTI file is one (but label volumes, told by their names:
    `nifti_names.volumes`), and its DICOM series, looked for in subfolders too.

    Args:
        paths: NIfTI files, and folders of NIfTI files or of DICOM slices.
        labels: NIfTI file of the one CT's organ labels, or a folder with files named like the CTs
            (a DICOM series: like its UID or its folder).
        series: Series Instance UID where a folder holds several; "all" takes each.

    Returns:
        The CTs, in the order of the paths and names.

    Raises:
        SynthmedError: A path that does not exist, a folder without any CT or with several series
            and no choice; one file of labels for several CTs.
    """
    if labels is not None and not labels.exists():
        raise SynthmedError("no such organ labels", where=shown(labels), mend="Check the path.")
    found: list[Source] = []
    for path in paths:
        found += _of_folder(path, labels, series) if path.is_dir() else [_of_file(path, labels)]
    if labels is not None and labels.is_file() and len(found) > 1:
        raise SynthmedError(
            f"one file of organ labels for {len(found)} CTs",
            where=shown(labels),
            mend="Name a folder with a file for each.",
        )
    if not found:
        raise SynthmedError("no CT was given", mend="Name a NIfTI file or a folder of DICOM.")
    return _unique(found)


def _of_file(path: Path, labels: Path | None) -> Source:
    if not path.exists():
        raise SynthmedError("no such file or folder", where=shown(path), mend="Check the path.")
    own = _labels_of([stem(path.name)], labels)
    return _of_nifti(path, f"{path.resolve().parent.name}/{path.name}", own)


def _of_nifti(path: Path, place: str, labels: Path | None) -> Source:
    """Give a NIfTI file; its patient is BIDS's "sub-…", else only folder and file stand for it."""
    subject = subject_of(place)
    known = subject.startswith("sub-")
    named = subject if known else place
    return Source(shown(place), path, named, labels, nameless=not known)


def _of_folder(path: Path, labels: Path | None, series: str | None) -> list[Source]:
    files = list(walk_files(path))
    nifti = [(n, f) for n, f in files if n.lower().endswith((".nii", ".nii.gz"))]
    rest = [f for _, f in files if looks_dicom(f)]
    root = path.resolve().name
    found = [_of_nifti(file, f"{root}/{name}", own) for name, file, own in volumes(nifti, labels)]
    there = sort_series(rest)
    if not there.series:
        if not found or series not in (None, ALL):
            raise nothing_found(there, path)
        return found
    if series == ALL:
        return found + [_of_series(one, there, path, labels) for one in there.series]
    return [*found, _of_series(choose_series(there, path, series), there, path, labels)]


def _of_series(one: Series, there: Found, path: Path, labels: Path | None) -> Source:
    folder = one.files[0].parent
    refusal = ""
    try:
        check_whole(there, one)
    except SynthmedError as error:
        refusal = str(error)
    name = shown(Path(path.resolve().name, folder.relative_to(path)).as_posix())
    own = _labels_of([one.uid, folder.resolve().name], labels)
    subject = one.patient or name
    return Source(name, folder, subject, own, one.files, one.facts, refusal, not one.patient)


def _labels_of(stems: Iterable[str], labels: Path | None) -> Path | None:
    """Find a CT's labels: the one file, or the file in the folder that has one of the names."""
    if labels is None or labels.is_file():
        return labels
    for name in filter(None, stems):
        for ending in (".nii.gz", ".nii"):
            if (file := labels / f"{name}{ending}").is_file():
                return file
    return None


def _short(folder: Path) -> str:
    """Give a folder's own name."""
    return shown(folder.resolve().name)


def _unique(found: list[Source]) -> list[Source]:
    """Make the names unique, by a number behind those that occur again."""
    counts: dict[str, int] = {}
    unique = []
    for source in found:
        counts[source.name] = counts.get(source.name, 0) + 1
        again = counts[source.name] > 1
        name = f"{source.name} ({counts[source.name]})" if again else source.name
        unique.append(Source(**{**vars(source), "name": name}))
    return unique
