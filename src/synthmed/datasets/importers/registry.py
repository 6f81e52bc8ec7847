"""The importers by name; each is loaded when it is first used."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from synthmed.datasets.importers.items import Importer
from synthmed.errors import SynthmedError

_HERE = "synthmed.datasets.importers"
# name: (module, class, settings that the name implies)
IMPORTERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "dicom": (f"{_HERE}.dicom", "DicomImporter", {}),
    "nifti": (f"{_HERE}.nifti", "NiftiImporter", {}),
    "table": (f"{_HERE}.table", "TableImporter", {}),
    "classes": (f"{_HERE}.classes", "ClassesImporter", {"column": "labels"}),
    "domains": (f"{_HERE}.classes", "ClassesImporter", {"column": "domain"}),
    "medmnist": (f"{_HERE}.medmnist", "MedmnistImporter", {}),
    "openi": (f"{_HERE}.openi", "OpeniImporter", {}),
}


def make_importer(name: str, source: Path, options: Mapping[str, Any]) -> Importer:
    """Make an importer.

    Args:
        name: One of `IMPORTERS`.
        source: The source.
        options: Settings of that importer.

    Raises:
        SynthmedError: No such importer, or it has no such setting.
    """
    if name not in IMPORTERS:
        raise SynthmedError(f"no importer {name!r}", mend=f"Known: {', '.join(IMPORTERS)}")
    module, kind, implied = IMPORTERS[name]
    made = getattr(importlib.import_module(module), kind)
    known = [f.name for f in dataclasses.fields(made) if f.name not in {"source", *implied}]
    for option in options:
        if option not in known:
            raise SynthmedError(
                f"the importer {name} has no setting {option!r}",
                mend=f"Known: {', '.join(known) or 'none'}",
            )
    return cast(Importer, made(source, **implied, **options))
