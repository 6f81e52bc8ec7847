"""Which NIfTI file is the label volume of which, and whom a file shows, by their names.

Follows the two layouts in common use: nnU-Net (`imagesTr/case_0000.nii.gz`,
`labelsTr/case.nii.gz`) and BIDS (`sub-01/…`), and plain suffixes (`case_seg.nii.gz`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from synthmed.errors import SynthmedError

_MARKS = r"(?:seg|mask|label|labels|dseg|segmentation|gt)"
_LABEL = re.compile(rf"^(.+)[_-]{_MARKS}$", re.IGNORECASE)
_SUBJECT = re.compile(r"(?:^|/)(sub-[A-Za-z0-9]+)")
_CHANNEL = re.compile(r"_\d{4}$")
_LABEL_FOLDERS = {"imagestr": "labelstr", "imagests": "labelsts", "images": "labels"}


def stem(name: str) -> str:
    """Give a file's name without its folder and .nii or .nii.gz."""
    return re.sub(r"\.nii(\.gz)?$", "", name.rsplit("/", 1)[-1], flags=re.IGNORECASE)


def subject_of(name: str) -> str:
    """Give what stands for the patient: BIDS's "sub-…", else the stem without its channel."""
    match = _SUBJECT.search(name)
    return match[1] if match else _CHANNEL.sub("", stem(name))


def volumes(
    files: Iterable[tuple[str, Path]], mask: Path | None
) -> Iterator[tuple[str, Path, Path | None]]:
    """Give each volume's name, its path, and the path of its label volume or None.

    Args:
        files: Names and paths.
        mask: The label volume, or a folder of them; None finds them by name among the files.

    Raises:
        SynthmedError: `mask` does not exist.
    """
    known = {name: path for name, path in files if _is_nifti_name(name)}
    if mask is not None and not mask.exists():
        raise SynthmedError("no such mask", where=mask, mend="Check the path.")
    if mask is not None and mask.is_file():
        others = {n: p for n, p in known.items() if p.resolve() != mask.resolve()}
        yield from ((name, path, mask) for name, path in others.items())
        return
    found = {name: _mask_in(mask, name) if mask else mask_of(name, known) for name in known}
    labels = {path.resolve() for path in found.values() if path is not None}
    for name, path in known.items():
        if path.resolve() not in labels:
            yield name, path, found[name]


def mask_of(name: str, known: dict[str, Path]) -> Path | None:
    """Find a volume's label volume by its name: labelsTr/ beside imagesTr/, else stem_seg."""
    if _LABEL.match(stem(name)):
        return None
    *folders, file = name.split("/")
    if folders and (twin := _LABEL_FOLDERS.get(folders[-1].lower())):
        wanted = _CHANNEL.sub("", stem(file))
        for other, path in known.items():
            *place, _ = other.split("/")
            beside = bool(place) and place[-1].lower() == twin and place[:-1] == folders[:-1]
            if beside and stem(other) == wanted:
                return path
    for other, path in known.items():
        match = _LABEL.match(stem(other))
        if match and match[1] == stem(file) and other.split("/")[:-1] == folders:
            return path
    return None


def _mask_in(folder: Path, name: str) -> Path | None:
    for ending in (".nii.gz", ".nii"):
        for start in (stem(name), _CHANNEL.sub("", stem(name))):
            if (folder / f"{start}{ending}").is_file():
                return folder / f"{start}{ending}"
    return None


def _is_nifti_name(name: str) -> bool:
    return name.lower().endswith((".nii", ".nii.gz"))
