"""Labelled images as arrays: what classifiers are trained on and tested on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError


@dataclass(frozen=True)
class Labelled:
    """Images and what is known of them.

    Attributes:
        images: (N, C, S, S) floats in [-1, 1], C being 1 or 3.
        labels: (N,) integers from 0; -1 where the class is unknown.
        groups: (N,) group (patient) of each image.
        kinds: (N,) image type, which decides the augmentation; () is unknown for all.
        attributes: For each attribute (N,) text, "" where unknown; for subgroups.
        seen: Hashes (`group_hash`) of the groups that the generator of these images was trained
            on; None where that is not known. Real images have none.

    Raises:
        SynthmedError: Arrays of different lengths, or no images of that shape.
    """

    images: NDArray[np.floating[Any]]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    kinds: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, dtype=np.str_))
    attributes: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    seen: frozenset[str] | None = None

    def __post_init__(self) -> None:
        """Check shapes; fill in blank kinds."""
        if self.images.ndim != 4 or self.images.shape[1] not in (1, 3):
            raise SynthmedError(f"images have shape {self.images.shape}, not (N, 1 or 3, S, S)")
        if not np.issubdtype(self.images.dtype, np.floating):
            raise SynthmedError(f"images are {self.images.dtype}, not floats in [-1, 1]")
        if len(self.kinds) == 0 and len(self.images):
            object.__setattr__(self, "kinds", np.full(len(self.images), "", dtype=np.str_))
        columns = [self.labels, self.groups, self.kinds, *self.attributes.values()]
        if any(np.shape(column) != (len(self.images),) for column in columns):
            raise SynthmedError(f"labels, groups and attributes must have {len(self.images)} rows")

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def take(self, chosen: Any) -> Labelled:
        """Give the images of some row numbers, or of a mask (N,)."""
        rows = np.arange(len(self))[np.asarray(chosen)]
        return replace(
            self,
            images=self.images[rows],
            labels=self.labels[rows],
            groups=self.groups[rows],
            kinds=self.kinds[rows],
            attributes={name: column[rows] for name, column in self.attributes.items()},
        )

    def known(self) -> Labelled:
        """Give the images whose class is known."""
        return self if (self.labels >= 0).all() else self.take(self.labels >= 0)

    def hashes(self) -> set[str]:
        """Give the hashes of the groups, as generators keep them."""
        return {group_hash(group) for group in np.unique(self.groups).tolist()}


def group_hash(group: str) -> str:
    """SHA-256 (hex) of a group's name, as in `synthmed.datasets.splits.group_hashes`."""
    return hashlib.sha256(str(group).encode()).hexdigest()
