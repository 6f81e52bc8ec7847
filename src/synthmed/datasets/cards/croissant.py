"""Croissant metadata of a dataset folder: JSON-LD that machines find and load it by.

Source: the Croissant format specification, version 1.0
(https://docs.mlcommons.org/croissant/docs/croissant-spec.html).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from synthmed.datasets.cards.dataset_card import licence_of
from synthmed.datasets.cards.header import licence_fields, require
from synthmed.datasets.exporters.fidelity import NOT_MEASURED, codec_psnr
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.exporters.kinds import kind_warnings as warnings_of
from synthmed.datasets.folder import DatasetFolder
from synthmed.datasets.rows import as_text, row_cells
from synthmed.datasets.table_reading import find_tables
from synthmed.errors import SynthmedError

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
_SPDX = "https://spdx.org/licenses/"
_ENCODING = {".jsonl": "application/jsonlines", ".csv": "text/csv"}
_TYPES = {bool: "sc:Boolean", int: "sc:Integer", float: "sc:Float"}
# The context that the specification asks for, its appendix 1.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(
    folder: DatasetFolder,
    *,
    licence: str = "",
    intended_use: str = "",
    title: str = "",
    url: str = "",
) -> dict[str, Any]:
    """Describe a dataset folder in Croissant 1.0.

    Each table is a file with its SHA-256 and a record set with one field a column; the images are
    named by the column `file_name`, relative to their table.

    Args:
        folder: The dataset.
        licence: Its licence; "" takes what dataset.json states.
        intended_use: What it is for; "" takes what dataset.json states.
        title: Its name; "" takes the folder's.
        url: Where it is published; "" names none.

    Returns:
        A JSON-LD object. It states no date: none is known.

    Raises:
        SafetyError: No licence or no intended use is stated.
    """
    licence = licence.strip() or licence_of(folder.info)
    intended_use = intended_use.strip() or as_text(folder.info.get("intended_use"))
    require(licence, intended_use, folder.path)
    identifier = licence_fields(licence)["license"]
    tables = [table for table, _ in find_tables(folder.path)]
    kinds = {kind_of(row) for row in folder.rows}
    facts: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": title or folder.path.resolve().name,
        "description": _description(folder, intended_use),
        "conformsTo": CONFORMS_TO,
        "license": _licence_url(identifier) or licence,
        "version": "1.0.0",
        "keywords": ["medical imaging", *(["synthetic"] if kinds != {"real"} else [])],
        "rai:dataUseCases": intended_use,
        "distribution": [_file(folder.path, table) for table in tables],
        "recordSet": [_records(folder, table) for table in tables],
    }
    if kinds - {"real"}:
        facts["rai:dataCollectionType"] = "Software Collection"
        facts["rai:personalSensitiveInformation"] = " ".join(warnings_of(folder.rows)) or (
            "Generated images; they show no patient."
        )
    return facts | ({"url": url} if url else {})


def _licence_url(identifier: str) -> str:
    """Give the SPDX page of a licence that the hub has an identifier for."""
    if identifier == "other":
        return ""
    parts = {"cc0-1.0": "CC0-1.0", "mit": "MIT", "apache-2.0": "Apache-2.0"}
    if identifier.startswith("bsd"):
        return f"{_SPDX}{identifier.replace('bsd', 'BSD').replace('clause', 'Clause')}.html"
    return f"{_SPDX}{parts.get(identifier, identifier.upper())}.html"


def _description(folder: DatasetFolder, intended_use: str) -> str:
    types = sorted({row.image_type for row in folder.rows} - {""})
    text = f"{len(folder.rows)} medical images ({', '.join(types) or 'type not stated'})."
    if {kind_of(row) for row in folder.rows} != {"real"}:
        figures = ", ".join(f"{k or 'all'} {v:.1f} dB" for k, v in codec_psnr(folder.info).items())
        text += f" PSNR of the generator's codec: {figures or NOT_MEASURED}."
    return f"{text} Intended use: {intended_use}"


def _identifier(root: Path, table: Path) -> str:
    return table.relative_to(root).as_posix()


def _file(root: Path, table: Path) -> dict[str, Any]:
    try:
        data = table.read_bytes()
    except OSError as error:
        raise SynthmedError(f"cannot read this table: {error.strerror}", where=table) from error
    name = _identifier(root, table)
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": _ENCODING[table.suffix],
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _records(folder: DatasetFolder, table: Path) -> dict[str, Any]:
    """Describe one table: a field for each column that any of its rows fills."""
    name = _identifier(folder.path, table)
    kinds: dict[str, str] = {}
    lists: set[str] = set()
    for row in folder.rows:
        if row.file.is_relative_to(table.parent):
            for column, value in row_cells(row).items():
                if column not in ("masks", "boxes", "mask_file_name"):
                    own = _TYPES.get(type(value), "sc:Text")
                    lists |= {column} if isinstance(value, list) else set()
                    kinds[column] = own if kinds.get(column, own) == own else "sc:Text"
    stem = name.rsplit(".", 1)[0].replace("/", "-")
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{stem}/{column}",
            "name": f"{stem}/{column}",
            "description": f"Column {column}.",
            "dataType": kind,
            **({"repeated": True} if column in lists else {}),
            "source": {"fileObject": {"@id": name}, "extract": {"column": column}},
        }
        for column, kind in kinds.items()
    ]
    return {"@type": "cr:RecordSet", "@id": stem, "name": stem, "field": fields}
