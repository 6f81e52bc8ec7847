"""Refuse to train where validation or test images are training images, before anything is trained.

Groups in two splits are refused by `sources.py`; here the pixels speak. The framed images are
hashed once; what was seen is kept beside them.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import SPLITS, Row
from synthmed.datasets.validation.fingerprints import BITS, WIDTH, fingerprint
from synthmed.datasets.validation.looks import pixel_digest
from synthmed.datasets.validation.near_duplicates import best_matches
from synthmed.errors import SafetyError
from synthmed.imaging.reading import open_image
from synthmed.training.data import TrainingImages
from synthmed.training.disk import save_array

_SEEN = np.dtype(
    [("digest", "S64"), ("vector", np.float32, (WIDTH,)), ("bits", np.uint8, (BITS // 8,))]
)


def check_pixels(images: TrainingImages, cache: Path) -> None:
    """Look for the same image, and nearly the same, in two splits.

    The same pixels are refused; images of one grey level are left out of that. Near-duplicates
    are a warning: public sets hold some, and `synthmed validate` lists them.

    Args:
        images: The framed images.
        cache: Folder of the frames; what was seen of them is kept there.

    Raises:
        SafetyError: Two files of different splits have the same decoded pixels.
    """
    seen = _seen(images, cache)
    for one, other in _equal_frames(images, seen["digest"]):
        if _same_pixels(one, other):
            raise SafetyError(
                f"the same pixels are in {one.split} and in {other.split}",
                where=f"{one.file_name}, {other.file_name}",
                mend="Remove one of them; synthmed validate lists all.",
            )
    near = [
        (images.rows[match.first], images.rows[match.second])
        for one, other in combinations(SPLITS, 2)
        for match in best_matches(
            seen["vector"], seen["bits"], images.indices(one), images.indices(other)
        )
    ]
    if near:
        pair = " and ".join(f"{row.split}: {row.file_name}" for row in near[0])
        warnings.warn(
            f"{len(near)} images are nearly the same as one of another split ({pair}): measured "
            "values are too good there; synthmed validate lists them",
            stacklevel=3,
        )


def _equal_frames(images: TrainingImages, digests: npt.NDArray[Any]) -> Iterator[tuple[Row, Row]]:
    """Give rows of different splits whose frames are equal: each with the first of its digest."""
    first: dict[bytes, Row] = {}
    for digest, row in zip(digests.tolist(), images.rows, strict=True):
        if first.setdefault(digest, row).split != row.split:
            yield first[digest], row


def _same_pixels(one: Row, other: Row) -> bool:
    x, spec = open_image(one.file)
    has_content = bool(x.min() < x.max())
    return has_content and pixel_digest(x, spec) == pixel_digest(*open_image(other.file))


def _seen(images: TrainingImages, cache: Path) -> npt.NDArray[Any]:
    """Give digests and fingerprints of all frames, made once for the same files and size."""
    file = cache / f"fingerprints-{images.key}.npy"
    if file.is_file():
        kept: npt.NDArray[Any] = np.load(file, allow_pickle=False)
        if kept.dtype == _SEEN and len(kept) == len(images.rows):
            return kept
    seen = np.zeros(len(images.rows), _SEEN)
    for index, frame in enumerate(images.pixels_N3SS):
        print_ = fingerprint(frame / np.float32(127.5) - np.float32(1))
        digest = hashlib.sha256(frame.tobytes()).hexdigest().encode()
        seen[index] = (digest, print_.vector, print_.bits)
    save_array(file, seen)
    return seen
