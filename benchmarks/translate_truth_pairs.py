"""Images with their true answers: aligned slices, and poses under two exposures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.translate_segmenter import Masked, Masks
from benchmarks.translate_truth_data import SOURCE, TARGET, grey, whole
from synthmed.datasets.rows import Row
from synthmed.errors import SafetyError, SynthmedError
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image, open_mask

HEAD = {
    "image_type": {"const": "brain MRI"},
    "domain": "sequence",
    "group_id": {"template": "head:{patient_id}"},
    "study_id": {"template": "head:{pair_id}"},
    "split": {"const": "test"},
}


@dataclass(frozen=True)
class Pairs:
    """Images with their true answers, in one order.

    Attributes:
        source: (N, 1, S, S) float32 in [-1, 1], what is translated.
        target: (N, 1, S, S), the truth.
        groups: What intervals are drawn over: the patient, or the pose.
        masks: (N, S, S) lesions, or None.
    """

    source: NDArray[np.float32]
    target: NDArray[np.float32]
    groups: list[str]
    masks: Masks | None = None

    def take(self, rows: Any) -> Pairs:
        """The pairs of some rows (a mask, or their numbers)."""
        numbers = np.arange(len(self.groups))[rows]
        masks = None if self.masks is None else self.masks[numbers]
        groups = [self.groups[i] for i in numbers.tolist()]
        return Pairs(self.source[numbers], self.target[numbers], groups, masks)


def mri_pairs(rows: Sequence[Row], split: str, size: int, most: int | None = None) -> Pairs:
    """The aligned slices of a split, in the order of their names, with their lesions.

    Args:
        rows: Of `read_mri`.
        split: "val" or "test".
        size: Side in pixels.
        most: Pairs at most, spread evenly; None takes all.
    """
    pairs = _aligned([row for row in rows if row.split == split], SOURCE, TARGET)
    if most is not None and most < len(pairs):
        pairs = [pairs[i * len(pairs) // most] for i in range(most)]
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return Pairs(grey(a, size), grey(b, size), [row.group_id for row in b], lesions(b, size))


def lesion_images(rows: Sequence[Row], split: str, size: int, most: int | None = None) -> Masked:
    """The FLAIR slices of a split with their lesions: what the segmenter learns from."""
    own = [row for row in rows if row.split == split and row.domain == TARGET]
    if most is not None and most < len(own):
        own = [own[i * len(own) // most] for i in range(most)]
    return Masked(grey(own, size), lesions(own, size), [row.group_id for row in own])


def head_pairs(folder: Path, size: int, most: int) -> Pairs:
    """Aligned T1 and proton density slices of one head; groups are slices. For smoke tests only."""
    rows = whole(folder, HEAD, {})
    pairs = _aligned(rows, "T1-weighted", "proton density")
    pairs = [pairs[i * len(pairs) // most] for i in range(min(most, len(pairs)))]
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return Pairs(grey(a, size), grey(b, size), [row.study_id for row in a])


def lesions(rows: Sequence[Row], size: int) -> Masks:
    """The masks of rows, framed as their images: (N, size, size)."""
    found = np.zeros((len(rows), size, size), bool)
    for i, row in enumerate(rows):
        if row.mask_file is not None:
            image, mask = open_image(row.file)[0], open_mask(row.mask_file)
            found[i] = Frame.for_image(image, size).apply_mask(mask) > 0
    return found


def _aligned(rows: Sequence[Row], source: str, target: str) -> list[tuple[Row, Row]]:
    """The rows of two domains that are of one slice, in the order of the slices' names."""
    first = {row.study_id: row for row in rows if row.domain == source}
    second = {row.study_id: row for row in rows if row.domain == target}
    return [(first[name], second[name]) for name in sorted(first.keys() & second.keys())]


def check_poses(train: Sequence[Sequence[str]], low: Sequence[str], high: Sequence[str]) -> None:
    """See that training is unpaired, and that test poses are paired and not trained on.

    Args:
        train: Poses that each of the two exposures is trained on.
        low: Test poses of the first exposure.
        high: Test poses of the second, in the same order.

    Raises:
        SafetyError: A pose is trained on under both exposures, or is tested too.
        SynthmedError: The test poses of the two exposures differ.
    """
    if set(train[0]) & set(train[1]):
        raise SafetyError("a training pose gives both exposures")
    if set(low) & (set(train[0]) | set(train[1])):
        raise SafetyError("a test pose was trained on")
    if list(low) != list(high):
        raise SynthmedError("the test poses of the two exposures differ")
