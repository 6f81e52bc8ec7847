"""Make rows of a table's cells: the contract's types, and a reason where a cell has no meaning."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from synthmed.datasets.rows import CONTRACT_COLUMNS, SPLITS, Row, as_text

_SPLIT_NAMES = {"validation": "val", "valid": "val", "dev": "val"}
_SEXES = {"M": "M", "F": "F", "MALE": "M", "FEMALE": "F"}
_UNKNOWN_SEXES = {"", "U", "O", "UNKNOWN", "OTHER"}


def parse_row(cells: Mapping[str, Any], folder: Path, split: str | None = None) -> Row:
    """Make a row of a table's cells, with the contract's columns and types.

    Args:
        cells: Cells by column; strings as in CSV or typed values as in JSON lines. Columns beyond
            the contract's become `Row.extra`.
        folder: The folder that file names are relative to.
        split: The split where the folder says it; None takes the column.

    Returns:
        The row. `group_id` may be "" here: the reader settles it.

    Raises:
        ValueError: A cell cannot be what its column says; the message is the reason.
    """
    file_name = as_text(cells.get("file_name"))
    body_part, modality = as_text(cells.get("body_part")), as_text(cells.get("modality"))
    masks = _masks(cells.get("masks"))
    mask = as_text(cells.get("mask_file_name"))
    extra = {
        column: value.strip() if isinstance(value, str) else value
        for column, value in cells.items()
        if column not in CONTRACT_COLUMNS and column not in {"file_name", "mask"}
    }
    return Row(
        file=inside(folder, file_name, "file_name"),
        file_name=file_name,
        split=_split(split or as_text(cells.get("split"))),
        group_id=as_text(cells.get("group_id")),
        text=as_text(cells.get("text")),
        report=as_text(cells.get("report")),
        modality=modality,
        body_part=body_part,
        view=as_text(cells.get("view")),
        labels=_labels(cells.get("labels")),
        age=_age(cells.get("age")),
        sex=_sex(as_text(cells.get("sex"))),
        study_id=as_text(cells.get("study_id")),
        day_offset=_number(cells.get("day_offset"), "day_offset"),
        domain=as_text(cells.get("domain")),
        image_type=as_text(cells.get("image_type")) or f"{body_part} {modality}".strip(),
        mask_file=inside(folder, mask, "mask_file_name") if mask else None,
        masks={name: inside(folder, file, "masks") for name, file in masks.items()},
        boxes=_boxes(cells.get("boxes")),
        extra=extra,
    )


def inside(folder: Path, name: str, column: str) -> Path:
    """Give the path of a file named in a table; it may not leave the folder.

    Raises:
        ValueError: The name is blank, absolute, or leads out of the folder.
    """
    if not name:
        raise ValueError(f"{column} is blank")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"{column} {name!r} leads out of the dataset folder")
    return folder / path


def _split(name: str) -> str:
    name = name.lower()
    name = _SPLIT_NAMES.get(name, name)
    if name not in SPLITS:
        raise ValueError(f"split {name!r} is not one of {', '.join(SPLITS)}")
    return name


def _labels(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, list | tuple) else as_text(value).split("|")
    return tuple(text for text in map(as_text, parts) if text)


def _number(value: object, column: str) -> float | None:
    text = as_text(value)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{column} {text!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{column} {text!r} is not a finite number")
    return number


def _age(value: object) -> float | None:
    age = _number(value, "age")
    if age is not None and not 0 <= age <= 130:
        raise ValueError(f"age {age:g} is not between 0 and 130 years")
    return age if age is None else min(age, 90.0)


def _sex(text: str) -> str | None:
    if text.upper() in _UNKNOWN_SEXES:
        return None
    if text.upper() not in _SEXES:
        raise ValueError(f"sex {text!r} is not M or F")
    return _SEXES[text.upper()]


def _json(value: object, column: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except ValueError:
        raise ValueError(f"{column} is not valid JSON") from None


def _masks(value: object) -> dict[str, str]:
    parsed = _json(value, "masks") or {}
    if not isinstance(parsed, dict):
        raise ValueError("masks is not a JSON object of name to file")
    return {as_text(name): as_text(file) for name, file in parsed.items()}


def _boxes(value: object) -> list[dict[str, Any]]:
    parsed = _json(value, "boxes") or []
    if not isinstance(parsed, list):
        raise ValueError("boxes is not a JSON list")
    return [_box(item) for item in parsed]


def _box(item: object) -> dict[str, Any]:
    bbox = item.get("bbox") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(bbox, list | tuple) or len(bbox) != 4:
        raise ValueError("a box is not {label, bbox: [x, y, width, height]}")
    numbers = [number for number in (_number(n, "bbox") for n in bbox) if number is not None]
    if len(numbers) != 4 or numbers[2] < 0 or numbers[3] < 0:
        raise ValueError(f"bbox {list(bbox)} is not [x, y, width, height]")
    return {"label": as_text(item.get("label")), "bbox": numbers}
