"""Image files without a table: named by their content, refused where an import refuses them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from synthmed.datasets.exporters.provenance import kept_texts
from synthmed.datasets.importers.dicom_kinds import refusal
from synthmed.datasets.importers.walking import walk_files
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.kinds import kind_of
from synthmed.synthesis.provenance import DIGITAL_SOURCE_TYPE
from synthmed.synthesis.translate_items import Source, Sources, hash_of
from synthmed.synthesis.translate_names import places

_NO_IMAGES = {".csv", ".html", ".json", ".jsonl", ".log", ".md", ".pdf", ".txt", ".xml", ".yaml"}


def loose_sources(path: Path, domain: str) -> Sources:
    """List one image file, or those of a folder; each counts as a patient of its own.

    File names may be patients' names: the translations are named by hashes of the files.

    Args:
        path: The file or the folder.
        domain: Where the images come from.

    Raises:
        SynthmedError: No image files there.
    """
    files = [
        (name, file)
        for name, file in walk_files(path)
        if path.is_file() or (file.suffix.lower() not in _NO_IMAGES and file.name != "DICOMDIR")
    ]
    if not files:
        raise SynthmedError("no image files in this folder", where=path)
    place, found = places(), Sources([])
    for name, file in files:
        digest = hash_of(file)
        short = (digest or hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest())[
            :16
        ]
        row = Row(
            file=file,
            file_name=place("train", f"images/{short}.png"),
            split="train",
            group_id=f"file:{short}",
            extra={"synthetic": True} if _generated(file) else {},
        )
        found.images.append(Source(name, row, domain, digest, loose=True))
    found.notes.append(
        f"nothing says whose images these {len(files)} are, so each counts as a patient of its"
        " own; import them first (synthmed import) to keep patients together"
        if len(files) > 1
        else "nothing says whose image this is; it counts as a patient of its own"
    )
    return found


def check_loose(file: Path) -> None:
    """Refuse a DICOM file that an import refuses too, such as one with burned-in text.

    Raises:
        SynthmedError: It is no picture, or its pixels may name the patient; or it cannot be read.
    """
    from synthmed.imaging.dicom import read_header

    if kind_of(file) != "DICOM":
        return
    if reason := refusal(read_header(file), allow_burned_in=False, allow_captures=False):
        raise SynthmedError(reason.replace("(--", "(synthmed import --"))


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()


def _generated(file: Path) -> bool:
    """Whether a PNG says that it was made by a generative model from nothing but a prompt."""
    return kept_texts(file)[0].get("DigitalSourceType") == DIGITAL_SOURCE_TYPE
