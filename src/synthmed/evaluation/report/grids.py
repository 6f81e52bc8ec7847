"""Images on the pages of a report, as PNG inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from synthmed.errors import SafetyError
from synthmed.synthesis.provenance import DIGITAL_SOURCE_TYPE, NOTICE, SOFTWARE

_SIDE = 256  # of a shown image at most, in pixels
_LABEL = 140  # letters of a shown label


@dataclass(frozen=True)
class Grid:
    """Images that are shown side by side.

    Attributes:
        title: What they are.
        caption: How they were chosen.
        images: Each image, (H, W) or (H, W, 3) uint8, with its label.
        private: They show patients, or come from their images: for the private page only.

    Raises:
        ValueError: An image of another shape or type.
    """

    title: str
    caption: str
    images: Sequence[tuple[npt.NDArray[np.uint8], str]]
    private: bool

    def __post_init__(self) -> None:
        for image, label in self.images:
            grey, colour = image.ndim == 2, image.ndim == 3 and image.shape[-1] == 3
            if image.dtype != np.uint8 or not (grey or colour) or not image.size:
                raise ValueError(f"{label!r} is {image.dtype} of shape {image.shape}")


@dataclass(frozen=True)
class Picture:
    """An image of a page: its source, and what it shows in words."""

    source: str
    label: str
    alt: str


def pictures(grid: Grid, *, private_page: bool) -> list[Picture]:
    """Encode the images of a grid.

    Args:
        grid: The images.
        private_page: Whether they are for the page that may show patients.

    Returns:
        The images as data URIs of PNG, at most 256 pixels a side. Those of public grids are
        marked as synthetic inside the file.

    Raises:
        SafetyError: A private grid for the public page.
    """
    if grid.private and not private_page:
        raise SafetyError("images of patients do not go on the public page", where=grid.title)
    count = len(grid.images)
    shown = []
    for number, (image, label) in enumerate(grid.images, start=1):
        short = label if len(label) <= _LABEL else f"{label[: _LABEL - 1].rstrip()}…"
        kind = "Patient data" if grid.private else "Synthetic image"
        alt = f"{kind}, {number} of {count}: {short or grid.title}"
        shown.append(Picture(data_uri(image, synthetic=not grid.private), short, alt))
    return shown


def data_uri(image: npt.NDArray[Any], *, synthetic: bool) -> str:
    """Encode an image (H, W) or (H, W, 3) uint8 as a PNG inside a data URI."""
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    info = PngInfo()
    if synthetic:
        for key, value in (
            ("Software", SOFTWARE),
            ("Disclaimer", NOTICE),
            ("DigitalSourceType", DIGITAL_SOURCE_TYPE),
        ):
            info.add_itxt(key, value)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=info)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
