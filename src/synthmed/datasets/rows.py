"""One row of a dataset folder: an image and what is known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SPLITS = ("train", "val", "test")
# The columns of a dataset folder's table, beside file_name.
CONTRACT_COLUMNS = (
    "split",
    "group_id",
    "text",
    "report",
    "modality",
    "body_part",
    "view",
    "labels",
    "age",
    "sex",
    "study_id",
    "day_offset",
    "domain",
    "image_type",
    "mask_file_name",
    "masks",
    "boxes",
)


@dataclass
class Row:
    """An image of a dataset folder and what is known of it; blanks are "" or None.

    Attributes:
        file: The image file.
        file_name: Its name as in the table, relative to the table's folder.
        split: "train", "val" or "test".
        group_id: What must stay in one split: "source:patient", else lesion, study or
            near-duplicate group, else the file.
        text: Caption or description.
        report: Full report.
        modality: For example "X-ray".
        body_part: For example "chest".
        view: For example "PA".
        labels: Findings or classes.
        age: In years; 90 and above are 90.
        sex: "M", "F" or None.
        study_id: Study within the group.
        day_offset: Days since the group's first image.
        domain: Where the image comes from (device, site, sequence), for translation.
        image_type: What kind of picture this is, for example "chest X-ray".
        mask_file: One mask file.
        masks: Several mask files by name.
        boxes: Dictionaries with "label" and "bbox" = [x, y, width, height] in pixels of the image;
            other keys are not kept.
        extra: The table's other columns (strings as stored; typed values from JSON lines).
    """

    file: Path
    file_name: str
    split: str
    group_id: str
    text: str = ""
    report: str = ""
    modality: str = ""
    body_part: str = ""
    view: str = ""
    labels: tuple[str, ...] = ()
    age: float | None = None
    sex: str | None = None
    study_id: str = ""
    day_offset: float | None = None
    domain: str = ""
    image_type: str = ""
    mask_file: Path | None = None
    masks: dict[str, Path] = field(default_factory=dict)
    boxes: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


def row_cells(row: Row) -> dict[str, Any]:
    """Give what a row says by contract column, without blanks, the split and the masks' folders.

    Returns:
        `file_name` first, then the contract's columns in their order, then `Row.extra`; labels
        and boxes as lists, the files of `masks` by name.
    """
    cells: dict[str, Any] = {"file_name": row.file_name}
    for column in CONTRACT_COLUMNS:
        if column not in {"split", "mask_file_name"}:
            cells[column] = getattr(row, column)
    cells["labels"] = list(row.labels)
    cells["mask_file_name"] = row.mask_file.name if row.mask_file else ""
    cells["masks"] = {name: file.name for name, file in row.masks.items()}
    cells.update(row.extra)
    return {name: value for name, value in cells.items() if not is_blank(value)}


def is_blank(value: object) -> bool:
    """Tell whether a cell says nothing: None, NaN, blank text, an empty list or dictionary."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, list | tuple | dict) and not value)


def as_text(value: object) -> str:
    """Give a cell as text: a blank is "", identifiers stay what they are."""
    return "" if is_blank(value) else str(value).strip()
