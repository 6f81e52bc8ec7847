"""Typed columns of a Parquet export, for Arrow and for Hugging Face `datasets` alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.exporters.tables import cells_of, columns_of
from synthmed.datasets.rows import Row, is_blank


@dataclass(frozen=True)
class Column:
    """A type of cells.

    Attributes:
        name: "text", "integer", "number", "boolean", "list", "JSON", "image", "boxes", "masks".
        arrow: Its Arrow type.
        feature: What `datasets` calls it (`Features.to_dict`).
    """

    name: str
    arrow: pa.DataType
    feature: Any


def _value(dtype: str) -> dict[str, str]:
    return {"dtype": dtype, "_type": "Value"}


def _list(feature: Any) -> dict[str, Any]:
    return {"feature": feature, "_type": "List"}


_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_BOX = pa.struct([("label", pa.string()), ("bbox", pa.list_(pa.float64()))])
_MASK = pa.struct([("name", pa.string()), ("image", _IMAGE)])
_BOX_FEATURE = {"label": _value("string"), "bbox": _list(_value("float64"))}
_MASK_FEATURE = {"name": _value("string"), "image": {"_type": "Image"}}
COLUMNS = {
    column.name: column
    for column in (
        Column("text", pa.string(), _value("string")),
        Column("JSON", pa.string(), _value("string")),
        Column("integer", pa.int64(), _value("int64")),
        Column("number", pa.float64(), _value("float64")),
        Column("boolean", pa.bool_(), _value("bool")),
        Column("list", pa.list_(pa.string()), _list(_value("string"))),
        Column("image", _IMAGE, {"_type": "Image"}),
        Column("boxes", pa.list_(_BOX), _list(_BOX_FEATURE)),
        Column("masks", pa.list_(_MASK), _list(_MASK_FEATURE)),
    )
}


def columns_for(rows: Sequence[Row]) -> dict[str, Column]:
    """Find the type of every column that any of an export's rows fills, by its name."""
    names = {"image": "image", "file_name": "text", "split": "text", "provenance": "text"}
    if any(row.mask_file for row in rows):
        names["mask"] = "image"
    if any(row.masks for row in rows):
        names["masks"] = "masks"
    if any(row.boxes for row in rows):
        names["boxes"] = "boxes"
    if any(kind_of(row) != "real" for row in rows):
        names["codec_psnr"] = "text"
    kinds = dict.fromkeys(columns_of(rows), "")
    for row in rows:
        for name, value in cells_of(row).items():
            own = _kind(value)
            kinds[name] = own if kinds[name] in ("", own) else _common(kinds[name], own)
    names |= {name: kind for name, kind in kinds.items() if name not in names}
    return {name: COLUMNS[kind] for name, kind in names.items()}


def value_of(value: Any, column: Column) -> Any:
    """Give a cell as its column holds it; blanks are null."""
    if is_blank(value):
        return None
    if column.name == "text":
        return _valid(value)
    if column.name == "list":
        return [_valid(part) for part in value]
    if column.name == "boxes":
        return [{"label": _valid(box["label"]), "bbox": box["bbox"]} for box in value]
    if column.name == "masks":
        return [{**mask, "name": _valid(mask["name"])} for mask in value]
    if column.name == "JSON":
        return json.dumps(value, default=str)
    return float(value) if column.name == "number" else value


def _valid(value: object) -> str:
    """Give a text that UTF-8 can hold."""
    return str(value).encode("utf-8", "replace").decode()


def arrow_schema(columns: dict[str, Column]) -> pa.Schema:
    """Give the schema, with the features in the metadata where `datasets` looks for them."""
    features = {name: column.feature for name, column in columns.items()}
    info = json.dumps({"info": {"features": features}})
    fields = [pa.field(name, column.arrow) for name, column in columns.items()]
    return pa.schema(fields, metadata={"huggingface": info})


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -(2**63) <= value < 2**63 else "text"
    if isinstance(value, float):
        return "number"
    if isinstance(value, list | tuple):
        return "list" if all(isinstance(part, str) for part in value) else "JSON"
    return "JSON" if isinstance(value, dict) else "text"


def _common(one: str, other: str) -> str:
    """Give the type that holds both: number for numbers, JSON where one is a list, else text."""
    both = {one, other}
    if both == {"integer", "number"}:
        return "number"
    return "JSON" if both & {"list", "JSON"} else "text"
