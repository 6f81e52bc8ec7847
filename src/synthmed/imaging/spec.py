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
        scale: Stored units per unit of x (127.5 for 8 bits).
        offset: Stored value at x = 0 (127.5 for 8 bits).
        unit: The unit of the stored value, for example "stored value" or "HU".
        source_format: The file format that it was read from, for example "PNG".
    """

    channels: int
    bits: int
    scale: float
    offset: float
    unit: str
    source_format: str

    def to_value(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Give the stored values of an image: ``scale * x + offset``, same shape, float64."""
        return np.asarray(x, dtype=np.float64) * self.scale + self.offset

    def from_value(self, value: npt.NDArray[Any]) -> FloatArray:
        """Give the image of stored values: ``(value - offset) / scale``, same shape, float32."""
        x = (np.asarray(value, dtype=np.float64) - self.offset) / self.scale
        return x.astype(np.float32)

    def to_dict(self) -> dict[str, object]:
        """Give the fields as a dictionary that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> ImageSpec:
        """Make a spec from the dictionary of `to_dict`."""
        return cls(**fields)


def spec_8bit(channels: int, source_format: str) -> ImageSpec:
    """Give the spec of an 8-bit image: stored values 0 to 255 are -1 to 1."""
    return ImageSpec(channels, 8, 127.5, 127.5, "stored value", source_format)
