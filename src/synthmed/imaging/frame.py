"""The one invertible step between a stored image and the square that a model sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from synthmed.errors import SynthmedError
from synthmed.imaging.spec import FloatArray

# name -> (filter when an axis shrinks, filter when it grows)
RESAMPLING = {"area": (Image.Resampling.BOX, Image.Resampling.BICUBIC)}


@dataclass(frozen=True)
class Frame:
    """Window, resize to fit, pad to a square: recorded, applied to all that lies on the image.

    The longer side becomes `size` pixels, the aspect ratio stays, and the shorter side is padded
    evenly with -1 (masks: 0). `undo` leads back to the source's pixels; it is exact where nothing
    was resized and no value lay outside the window.

    Attributes:
        size: Side of the square, in pixels.
        source_height: Height of the source image, in pixels.
        source_width: Width of the source image, in pixels.
        window: (low, high) in the image's own [-1, 1] range, stretched to [-1, 1] and clipped
            there; None leaves the values as they are.
        resample: "area" (area average when shrinking, bicubic when enlarging).
    """

    size: int
    source_height: int
    source_width: int
    window: tuple[float, float] | None = None
    resample: str = "area"

    def __post_init__(self) -> None:
        """Refuse sizes, windows and filters that have no meaning."""
        if min(self.size, self.source_height, self.source_width) < 1:
            raise SynthmedError(
                "a frame's sizes are at least 1 pixel",
                where=f"{self.source_height} x {self.source_width} to {self.size}",
            )
        if self.window is not None and not self.window[0] < self.window[1]:
            raise SynthmedError("a window's low end lies below its high end", where=self.window)
        if self.resample not in RESAMPLING:
            raise SynthmedError(
                f"no resampling is called {self.resample!r}",
                mend=f"Known: {', '.join(RESAMPLING)}",
            )

    @classmethod
    def for_image(
        cls, x: npt.NDArray[Any], size: int, window: tuple[float, float] | None = None
    ) -> Frame:
        """Make the frame that fits an image of shape (C, H, W) into a square of `size` pixels."""
        return cls(size, int(x.shape[-2]), int(x.shape[-1]), window)

    @property
    def inner(self) -> tuple[int, int, int, int]:
        """Where the resized image lies in the square: (top, left, height, width), in pixels."""
        longest = max(self.source_height, self.source_width)
        height = max(1, int(self.source_height * self.size / longest + 0.5))
        width = max(1, int(self.source_width * self.size / longest + 0.5))
        return (self.size - height) // 2, (self.size - width) // 2, height, width

    def apply(self, x: npt.NDArray[Any]) -> FloatArray:
        """Frame an image: (C, H, W) in [-1, 1] to (C, size, size) in [-1, 1], float32.

        Raises:
            SynthmedError: The image is not of the frame's source size.
        """
        self._check(x, self.source_height, self.source_width)
        if self.window is not None:
            low, high = self.window
            x = np.clip((x - low) * (2.0 / (high - low)) - 1.0, -1.0, 1.0)
        top, left, height, width = self.inner
        square = np.full((x.shape[0], self.size, self.size), -1.0, dtype=np.float32)
        square[:, top : top + height, left : left + width] = self._resize(x, height, width)
        return square

    def undo(self, x: npt.NDArray[Any]) -> FloatArray:
        """Lead a framed image back: (C, size, size) to (C, H, W) in the source's range, float32."""
        self._check(x, self.size, self.size)
        top, left, height, width = self.inner
        inner = x[:, top : top + height, left : left + width]
        source = self._resize(inner, self.source_height, self.source_width)
        if self.window is not None:
            low, high = self.window
            source = (source + 1.0) * np.float32((high - low) / 2.0) + np.float32(low)
        return source

    def apply_mask(self, mask: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Frame a mask of labels: (..., H, W) to (..., size, size), nearest label, padded by 0."""
        self._check(mask, self.source_height, self.source_width)
        top, left, height, width = self.inner
        square = np.zeros((*mask.shape[:-2], self.size, self.size), dtype=mask.dtype)
        square[..., top : top + height, left : left + width] = _nearest(mask, height, width)
        return square

    def undo_mask(self, mask: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Lead a framed mask back: (..., size, size) to (..., H, W), nearest label."""
        self._check(mask, self.size, self.size)
        top, left, height, width = self.inner
        inner = mask[..., top : top + height, left : left + width]
        return _nearest(inner, self.source_height, self.source_width)

    def apply_boxes(self, boxes: Sequence[Sequence[float]]) -> list[list[float]]:
        """Frame boxes [x, y, width, height], source pixels to pixels of the square."""
        top, left, height, width = self.inner
        sx, sy = width / self.source_width, height / self.source_height
        return [[x * sx + left, y * sy + top, w * sx, h * sy] for x, y, w, h in boxes]

    def undo_boxes(self, boxes: Sequence[Sequence[float]]) -> list[list[float]]:
        """Lead framed boxes [x, y, width, height] back to source pixels."""
        top, left, height, width = self.inner
        sx, sy = width / self.source_width, height / self.source_height
        return [[(x - left) / sx, (y - top) / sy, w / sx, h / sy] for x, y, w, h in boxes]

    def to_dict(self) -> dict[str, object]:
        """Give the fields as a dictionary that JSON can hold."""
        return {
            "size": self.size,
            "source_height": self.source_height,
            "source_width": self.source_width,
            "window": None if self.window is None else list(self.window),
            "resample": self.resample,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Frame:
        """Make a frame from the dictionary of `to_dict`."""
        window = fields.get("window")
        return cls(**{**fields, "window": None if window is None else (window[0], window[1])})

    def _check(self, x: npt.NDArray[Any], height: int, width: int) -> None:
        if x.shape[-2:] != (height, width):
            raise SynthmedError(
                f"this frame is for {height} x {width} pixels, not {x.shape[-2]} x {x.shape[-1]}",
                mend="Make a frame for this image.",
            )

    def _resize(self, x: npt.NDArray[Any], height: int, width: int) -> FloatArray:
        """Resize (C, H, W) with antialias, one axis after the other, clipped to [-1, 1]."""
        if x.shape[-2:] == (height, width):
            return x.astype(np.float32)
        shrink, grow = RESAMPLING[self.resample]
        out = np.empty((x.shape[0], height, width), dtype=np.float32)
        for channel, plane in enumerate(np.ascontiguousarray(x, dtype=np.float32)):
            image = Image.fromarray(plane)
            if image.width != width:
                image = image.resize((width, image.height), shrink if width < image.width else grow)
            if image.height != height:
                image = image.resize((width, height), shrink if height < image.height else grow)
            out[channel] = np.asarray(image)
        return np.clip(out, -1.0, 1.0)


def _nearest(mask: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[Any]:
    """Resize labels (..., H, W) by the nearest pixel centre."""
    rows = ((np.arange(height) + 0.5) * mask.shape[-2] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * mask.shape[-1] / width).astype(np.int64)
    return mask[..., rows[:, None], columns[None, :]]
