"""The training images, ready to be searched, and other images beside their candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.copies import local_match, scores
from synthmed.measures.copies.descriptors import descriptors
from synthmed.measures.copies.prepare import Float32, Prepared
from synthmed.measures.copies.scores import Closest
from synthmed.measures.copies.search import Index, candidates
from synthmed.measures.copies.symmetries import positioned
from synthmed.measures.copies.twins import merged
from synthmed.measures.search import nearest

CANDIDATES = 40
"""Training images (in some position) that each image is compared with tile by tile."""


@dataclass(frozen=True)
class Compared:
    """Images beside their candidates.

    Attributes:
        blocks: (N, K, 36) scores of blocks.
        shown: (N, 36) which blocks are textured.
        rows: (N, K) training rows of the candidates.
    """

    blocks: Float32
    shown: NDArray[np.bool_]
    rows: Index

    def closest(self, usual: Float32, groups: Index) -> Closest:
        """The nearest and second-nearest training images, given how strangers usually fit."""
        return scores.stand_out(
            scores.pair_scores(self.blocks, self.shown, usual), self.rows, groups
        )


@dataclass(frozen=True)
class Known:
    """The training images, ready to be searched.

    Attributes:
        images: The prepared images.
        described: (V * T, D) descriptors by name, position by position.
        groups: (T,) number of each image's patient; patients who share a picture are one.
        symmetries: Names of the V positions.
        features: (T, D) features from the caller, or None.
    """

    images: Prepared
    described: dict[str, Float32]
    groups: Index
    symmetries: tuple[str, ...]
    features: Array | None

    @classmethod
    def of(
        cls, images: Prepared, names: NDArray[Any], symmetries: tuple[str, ...], features: Any
    ) -> Known:
        """Describes the images in every position; ``names`` are those of their patients."""
        parts = [descriptors(positioned(images.grey, name)) for name in symmetries]
        described = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        _, groups = np.unique(names, return_inverse=True)
        upright = {key: rows[: len(images)] for key, rows in described.items()}
        return cls(images, described, merged(groups, upright), symmetries, features)

    def compared(self, queries: Prepared, features: Array | None = None) -> Compared:
        """Finds candidates for each image and compares them tile by tile.

        Args:
            queries: The images.
            features: Their (N, D) features, where the training images have features.
        """
        further = []
        if features is not None and self.features is not None:
            further = [nearest(features, self.features, min(CANDIDATES, len(self.images)))[1]]
        pairs = candidates(descriptors(queries.grey), self.described, CANDIDATES, further)
        blocks = local_match.match_blocks(queries.local, self.images.local, pairs, self.symmetries)
        return Compared(blocks, local_match.textured(queries.local), pairs % len(self.images))


def same_shape(images: Prepared, train: Prepared, name: str) -> None:
    """Raises SynthmedError unless images have the training images' channels and size."""
    if images.shape != train.shape:
        raise SynthmedError(
            f"{name} images of shape {images.shape} beside training images of {train.shape}",
            mend="Bring all sets to one size and number of channels",
        )


def checked_features(features: Any, count: int, name: str, like: Array | None = None) -> Array:
    """Checks a table of features.

    Args:
        features: (N, D).
        count: Number of images that it belongs to.
        name: What an error calls it.
        like: A table that it must have the width of.

    Raises:
        SynthmedError: Another shape, number or width, or values that are not finite.
    """
    table = as_features(features, f"{name} features")
    if len(table) != count:
        raise SynthmedError(f"features of {len(table)} images for {count} {name} images")
    if like is not None:
        same_width(table, like)
    return table
