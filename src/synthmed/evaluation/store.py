"""Features of sets of images, kept by what the images hold, so that a killed run continues."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Features
from synthmed.evaluation.sides import Side
from synthmed.measures.features import Extractor, load_extractor
from synthmed.training.disk import save_array

_CHUNK = 256


class FeatureStore:
    """Gives features of sides; each chunk of 256 images is computed once and kept in a file.

    A file's name is a hash of the images' content, of how they were framed, and of the
    extractor's id and preprocessing, so it never serves for anything else.

    Args:
        folder: Where features are kept.
        progress: Told what is being done.
    """

    def __init__(self, folder: Path, progress: Callable[[str], None] = lambda _: None) -> None:
        self.folder, self.progress = folder, progress
        self._extractors: dict[str, Extractor] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, side: Side, spec: str) -> Features:
        """Give the features of a side's images.

        Raises:
            SynthmedError: The extractor is unknown, or not there.
        """
        if spec not in self._extractors:
            self._extractors[spec] = load_extractor(spec)
        extractor = self._extractors[spec]
        _name_overlap(side, extractor)
        parts = []
        for start in range(0, len(side), _CHUNK):
            rows = slice(start, start + _CHUNK)
            file = self.folder / f"features-{_key(side, rows, extractor)}.npy"
            try:
                parts.append(np.load(file, allow_pickle=False))
            except (OSError, ValueError):  # not there yet, or damaged
                self.progress(f"{extractor.id}: {side.name}, image {start + 1} of {len(side)}")
                parts.append(np.asarray(extractor(side.images(rows)), dtype=np.float32))
                save_array(file, parts[-1])
        values: npt.NDArray[np.float32] = np.concatenate(parts)
        return Features(values, extractor.id, extractor.preprocessing)


def _name_overlap(side: Side, extractor: Extractor) -> None:
    """Warn where an extractor was trained on real images that it is to judge."""
    seen = set(getattr(extractor, "groups", ()))
    if not seen or side.name == "synthetic":
        return
    known = [hashlib.sha256(str(group).encode()).hexdigest() in seen for group in side.groups]
    if any(known):
        warnings.warn(
            f"{extractor.id} was trained on the patients of {sum(known)} of {len(side)} "
            f"{side.name} images",
            stacklevel=3,
        )


def _key(side: Side, rows: slice, extractor: Extractor) -> str:
    facts = [
        extractor.id,
        extractor.preprocessing,
        list(side.pixels.shape[1:]),
        str(side.pixels.dtype),
        side.digests[rows].tolist(),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
