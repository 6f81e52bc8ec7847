"""Values that cannot be right: constant images, unused ranges, negatives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.datasets.validation.findings import Finding
from synthmed.datasets.validation.leakage import place
from synthmed.datasets.validation.looks import Looks

_GREY_LEVEL = 2 / 255  # of an 8-bit image, in [-1, 1]
_SLIVER = 0.05  # share of the file's range that an image should use at least
_8_IN_16 = 2 * 255.5 / 65535 - 1  # what an 8-bit image reaches at most in a 16-bit file
_LEAST_IMAGES, _COHERENT, _OPPOSITE = 10, 0.5, -0.5
_RADIOLOGY = ("x-ray", "xray", "radiogra", "mammogra", "ct", "mri", "mr", "cr", "dx", "mg")


def value_findings(rows: Sequence[Row], looks: Looks) -> Iterator[Finding]:
    """Find images without content, and those that leave most of the file's range unused."""
    for index, row in enumerate(rows):
        if not looks.digests[index]:
            continue
        lowest, low, high, highest = (float(v) for v in looks.ranges_N4[index])
        if highest - lowest < 1.5 * _GREY_LEVEL * 255 / (2 ** int(looks.bits[index]) - 1):
            yield Finding("constant", "error", place(row), "all pixels have the same value")
        elif looks.bits[index] > 8 and highest <= _8_IN_16:
            message = "8-bit values in a 16-bit file: the image is nearly black"
            yield Finding("values", "error", place(row), message)
        elif high - low < 2 * _SLIVER:
            share = (high - low) / 2
            message = f"99.8 % of the values lie in {share:.1%} of the file's range"
            yield Finding("values", "warning", place(row), message)


def inverted_findings(rows: Sequence[Row], looks: Looks) -> Iterator[Finding]:
    """Find radiological images that look like negatives of the others of their type and view.

    An image is named if its thumbnail correlates with the mean of its type and view by -0.5 or
    less, where at least ten images have a mean that they themselves agree with (median
    correlation of at least 0.5). A set whose images are all inverted is not found.
    """
    kinds: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(rows):
        if looks.digests[index] and _radiological(row):
            kinds.setdefault((row.image_type.casefold(), row.view.casefold()), []).append(index)
    for indices in kinds.values():
        if len(indices) < _LEAST_IMAGES:
            continue
        agreement = _agreement(looks.thumbnails_NSS[indices])
        if np.median(agreement) < _COHERENT:
            continue
        for index, value in zip(indices, agreement, strict=True):
            if value <= _OPPOSITE:
                message = f"looks like a negative of its type (correlation {value:.2f})"
                yield Finding("inverted", "warning", place(rows[index]), message)


def _radiological(row: Row) -> bool:
    words = f"{row.modality} {row.image_type}".casefold()
    parts = words.split()
    return any(name in (parts if len(name) < 4 else words) for name in _RADIOLOGY)


def _agreement(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Correlate each thumbnail with the mean of all, blockwise, `(N,)`."""
    mean = thumbnails.mean(axis=0, dtype=np.float64).ravel()
    mean -= mean.mean()
    values = []
    for start in range(0, len(thumbnails), 4096):
        block = thumbnails[start : start + 4096].reshape(-1, mean.size).astype(np.float64)
        block -= block.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(block, axis=1) * np.linalg.norm(mean)
        values.append(block @ mean / np.maximum(norm, 1e-9))
    return np.concatenate(values)
