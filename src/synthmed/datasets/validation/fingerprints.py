"""A perceptual fingerprint: what of an image survives resizing, re-encoding and brightness.

The image's grey levels, averaged to 32 x 32, go through a discrete cosine transform; the 16 x 16
lowest frequencies are kept. Their signs against the median are the well-known pHash (Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010), of 256 bits. Medical
images of one view share their lowest frequencies (two lungs, one skull), so that a second part
leaves the 3 x 3 lowest ones out and keeps the rest as a unit vector: its scalar product is a
correlation of fine structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dctn

SIDE, KEPT, LOWEST = 32, 16, 3
BITS = KEPT * KEPT
LEAST_NORM = 0.1  # of the vector before it is scaled; below it there is no structure to compare
_MASK = np.ones((KEPT, KEPT), np.bool_)
_MASK[:LOWEST, :LOWEST] = False
WIDTH = int(_MASK.sum())
"""Numbers of a fingerprint's vector."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A perceptual fingerprint.

    Attributes:
        vector: float32 of `WIDTH` numbers and length 1; zeros where the image has no structure.
        bits: uint8 of 32 bytes, the 256 bits of the pHash.
        thumbnail: float32 (32, 32), the grey levels in [-1, 1].
    """

    vector: npt.NDArray[np.float32]
    bits: npt.NDArray[np.uint8]
    thumbnail: npt.NDArray[np.float32]


def fingerprint(x: npt.NDArray[Any]) -> Fingerprint:
    """Make the fingerprint of an image.

    Args:
        x: (1 or 3, H, W), values in [-1, 1].

    Returns:
        The fingerprint. Colour is not part of it.
    """
    grey = np.ascontiguousarray(x.mean(axis=0), dtype=np.float32)
    shrinks = min(grey.shape) >= SIDE
    how = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    small = np.asarray(Image.fromarray(grey).resize((SIDE, SIDE), how), dtype=np.float32)
    low = dctn(small, norm="ortho")[:KEPT, :KEPT]
    rest = low[_MASK].astype(np.float32)
    norm = float(np.linalg.norm(rest))
    vector = rest / norm if norm >= LEAST_NORM else np.zeros_like(rest)
    return Fingerprint(vector, np.packbits(low > np.median(low)), small)
