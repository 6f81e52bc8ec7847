"""Where images lie in their squares: padding around them is no structure."""

from __future__ import annotations

import numpy as np
from PIL import Image

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.evaluation.edits_pairing import Index
from synthmed.evaluation.sides import Side
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image
from synthmed.synthesis.calibration_structure import Boxes

_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # EXIF: readers turn such images by 90 degrees


def boxes_of(side: Side, numbers: Index) -> Boxes:
    """Give where some images of a side lie in their squares, (N, 4).

    Args:
        side: The images; their files are read for the size.
        numbers: (N,) rows.

    Returns:
        Top, left, height and width; the whole square for a file that cannot be read any more.
    """
    boxes = []
    for row in (side.rows[i] for i in numbers):
        try:
            height, width = _size(row)
        except (OSError, SynthmedError):
            height = width = side.size
        boxes.append(Frame(side.size, height, width).inner)
    return np.asarray(boxes, dtype=np.int64).reshape(-1, 4)


def common(one: Boxes, other: Boxes) -> Boxes:
    """Give what lies inside both of two boxes, (N, 4); nothing has height or width 0."""
    start = np.maximum(one[:, :2], other[:, :2])
    ends = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    return np.concatenate([start, np.maximum(ends - start, 0)], axis=1)


def _size(row: Row) -> tuple[int, int]:
    """Height and width of an image, in pixels."""
    if row.file.suffix.lower() in {".png", ".jpg", ".jpeg"}:
        with Image.open(row.file) as image:  # reads the header only
            turned = image.getexif().get(_ORIENTATION) in _TURNED
            return image.size if turned else (image.height, image.width)
    shape = open_image(row.file)[0].shape
    return int(shape[-2]), int(shape[-1])
