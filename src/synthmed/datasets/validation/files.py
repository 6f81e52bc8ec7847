"""The headers of all files in a dataset folder, those too that no table lists."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from synthmed.datasets.validation.dicom_headers import dicom_findings, is_dicom
from synthmed.datasets.validation.findings import Finding
from synthmed.datasets.validation.headers import header_findings

_IMAGES = (".png", ".jpg", ".jpeg")


def file_findings(root: Path) -> Iterator[Finding]:
    """Look into the header of every image and DICOM file below a folder; links are not followed.

    Args:
        root: The dataset folder.
    """
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            where = file.relative_to(root).as_posix()
            if file.is_symlink() or not file.is_file():
                continue
            if name.lower().endswith(_IMAGES):
                yield from header_findings(file, where)
            elif is_dicom(file):
                yield from dicom_findings(file, where)
