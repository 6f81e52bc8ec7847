"""Tell what kind of source a folder or file is, by its content."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

from synthmed.datasets.importers.openi_reports import REPORTS
from synthmed.datasets.importers.walking import first_bytes, walk_files
from synthmed.errors import SynthmedError

_SAMPLE = 300  # files that are looked at
_TABLES = ("metadata.jsonl", "metadata.csv")
_SPLITS = ("train", "val", "validation", "test")


def detect(source: Path) -> tuple[str, str]:
    """Choose an importer.

    Args:
        source: A folder or file.

    Returns:
        The importer's name, and in a few words what decided.

    Raises:
        SynthmedError: No such source, or nothing that an importer reads.
    """
    if source.is_dir():
        for folder in (source, *(source / split for split in _SPLITS)):
            for table in _TABLES:
                if (folder / table).is_file():
                    return "table", f"{table} is there"
        if (source / REPORTS).is_file():
            return "openi", f"{REPORTS} is there"
    return _by_files(source)


def _by_files(source: Path) -> tuple[str, str]:
    kinds: Counter[str] = Counter()
    nested = 0
    for name, path in islice(walk_files(source), _SAMPLE):
        kind = _kind(path)
        kinds[kind] += 1
        nested += kind == "raster" and "/" in name
    kinds.pop("", None)
    if not kinds:
        raise SynthmedError(
            "nothing that can be imported was found",
            where=source,
            mend="Name a folder of images, or choose an importer by --from.",
        )
    kind, count = max(kinds.items(), key=lambda entry: (entry[1], entry[0]))
    if kind == "raster":
        if not nested:
            raise SynthmedError(
                "images without a table and without folders of classes",
                where=source,
                mend="Put a metadata.csv (file_name, ...) beside them, or name one by --table.",
            )
        return "classes", f"{nested} of the images looked at lie in folders"
    return kind, f"{count} of {sum(kinds.values())} files looked at"


def _kind(path: Path) -> str:
    """Give the importer of a file, "raster" for a picture, "" for anything else."""
    from synthmed.imaging.kinds import kind_of

    if path.suffix.lower() in {".csv", ".jsonl"}:
        return "table" if path.name.lower().startswith("metadata") else ""
    head = first_bytes(path, 4096)
    if head.startswith(b"PK\x03\x04"):
        return "medmnist" if path.suffix.lower() == ".npz" else ""
    if b"<eCitation" in head:
        return "openi"
    try:
        kind = kind_of(path)
    except SynthmedError:
        return ""
    return {"DICOM": "dicom", "NIFTI": "nifti"}.get(kind, "raster")
