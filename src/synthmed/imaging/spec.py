"""What an image's numbers mean: the affine map between [-1, 1] and the stored unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ImageSpec:
    """The kind of an image; it travels from the reader to the writer.

    An image is a float32 array of shape (channels, height, width) with values in [-1, 1]; the
    value in the stored unit is ``scale * x + offset``, so that it can be recovered exactly.

    Attributes:
        channels: 1 (grey) or 3 (RGB).
        bits: Bits per channel of the stored file.
        scale: Units per unit of x (127.5 for 8 bits); negative where the reader inverted the image
            (MONOCHROME1), so that `to_value` still gives the file's own values.
        offset: Value at x = 0 (127.5 for 8 bits).
        unit: The unit of the value, for example "stored value" or "HU".
        source_format: The file format that it was read from, for example "PNG".
        spacing: Distance of neighbouring rows and of neighbouring columns, in mm; None if unknown.
        modality: DICOM modality code ("CT", "MR", "CR", "DX", "MG", "US", ...), "" if unknown.
        window: The display window that the file names, (low, high) in the unit; None if none.
    """

    channels: int
    bits: int
    scale: float
    offset: float
    unit: str
    source_format: str
    spacing: tuple[float, float] | None = None
    modality: str = ""
    window: tuple[float, float] | None = None

    def to_value(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Give the stored values of an image: ``scale * x + offset``, same shape, float64."""
        return np.asarray(x, dtype=np.float64) * self.scale + self.offset

    def from_value(self, value: npt.NDArray[Any]) -> FloatArray:
        """Give the image of stored values: ``(value - offset) / scale``, same shape, float32."""
        x = np.array(value, dtype=np.float64)
        x -= self.offset
        x /= self.scale
        return x.astype(np.float32)

    def to_dict(self) -> dict[str, object]:
        """Give the fields as a dictionary that JSON can hold."""
        fields = asdict(self)
        for name in ("spacing", "window"):
            fields[name] = None if fields[name] is None else list(fields[name])
        return fields

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> ImageSpec:
        """Make a spec from the dictionary of `to_dict`."""
        pairs = {
            name: (float(fields[name][0]), float(fields[name][1]))
            for name in ("spacing", "window")
            if fields.get(name) is not None
        }
        return cls(**{**fields, **pairs})


def spec_range(
    channels: int, bits: int, low: float, high: float, source_format: str, **more: Any
) -> ImageSpec:
    """Give the spec that maps the values low to high to -1 to 1 (a range of nothing counts as 1).

    Args:
        channels: 1 or 3.
        bits: Bits per channel of the stored file.
        low: Value at x = -1.
        high: Value at x = 1.
        source_format: The file format.
        **more: Further fields of `ImageSpec`; the unit is "stored value" if not given.
    """
    scale = (high - low) / 2 or 0.5
    more.setdefault("unit", "stored value")
    return ImageSpec(channels, bits, scale, low + scale, source_format=source_format, **more)


def spec_8bit(channels: int, source_format: str) -> ImageSpec:
    """Give the spec of an 8-bit image: stored values 0 to 255 are -1 to 1."""
    return ImageSpec(channels, 8, 127.5, 127.5, "stored value", source_format)
