"""Copies planted on purpose: training images that went through changes of several kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_unit_images
from synthmed.measures.copies.kinds import PLANTED, usual_kinds
from synthmed.measures.copies.prepare import Float32
from synthmed.measures.copies.search import Index

Through = Callable[[Any], Any]
"""Images (N, C, S, S) in [-1, 1] to images of the same shape, or to features (N, D)."""


@dataclass(frozen=True)
class Planted:
    """Planted copies.

    Attributes:
        images: (N, C, S, S) in [-1, 1].
        kinds: (N,) names in ``PLANTED``.
        train_rows: (N,) the training rows that they copy.
    """

    images: Float32
    kinds: tuple[str, ...]
    train_rows: Index


def plant(
    train: Any,
    others: Any,
    *,
    kinds: Sequence[str] | None = None,
    per_kind: int = 8,
    seed: int = 0,
    through_codec: Through | None = None,
) -> Planted:
    """Plants copies of training images.

    Args:
        train: (T, C, S, S) training images in [-1, 1].
        others: (M, C, S, S) images of other patients, which halves are pasted into.
        kinds: Names in ``PLANTED``; by default the first eight, with "coarse with noise" in the
            place of "codec" where there is no codec.
        per_kind: Copies of each kind; fewer where there are fewer training images.
        seed: Seeds the choice of images and every change; a kind's copies do not depend on the
            other kinds.
        through_codec: Sends images through the generator's codec.

    Returns:
        The copies, kind by kind.

    Raises:
        SynthmedError: An unknown kind, "codec" without a codec, a codec that gives images of
            another shape, or sets of different shapes.
    """
    known, strangers = np.asarray(train), np.asarray(others)
    names = _chosen(kinds, through_codec)
    if known.shape[1:] != strangers.shape[1:]:
        raise SynthmedError(f"images of shapes {known.shape[1:]} and {strangers.shape[1:]}")
    if per_kind < 1:
        raise SynthmedError(f"{per_kind} copies of each kind", mend="Plant at least one")
    parts, rows = [], []
    for name in names:
        rng = np.random.default_rng([seed, *name.encode()])
        chosen = rng.permutation(len(known))[:per_kind]
        pasted = strangers[rng.permutation(len(strangers))[:per_kind]]
        sources, pasted = as_unit_images(known[chosen]), as_unit_images(pasted)
        if name == "codec" and through_codec is not None:
            made = _decoded(through_codec, sources)
        else:
            made = PLANTED[name](sources, pasted, rng)
        parts.append(np.clip(made, -1.0, 1.0).astype(np.float32))
        rows.append(chosen)
    labels = [name for name, own in zip(names, rows, strict=True) for _ in own]
    return Planted(np.concatenate(parts), tuple(labels), np.concatenate(rows))


def _decoded(through_codec: Through, sources: Array) -> Array:
    """Copies through a codec.

    Raises:
        SynthmedError: It gives images of another shape.
    """
    made = np.asarray(through_codec(sources.astype(np.float32)), np.float64)
    if made.shape != sources.shape:
        raise SynthmedError(
            f"the codec gives images of shape {made.shape} for images of {sources.shape}",
            where="through_codec",
            mend="Fill images up to a size that the codec takes, and cut them back after it",
        )
    return made


def _chosen(kinds: Sequence[str] | None, through_codec: Through | None) -> list[str]:
    if kinds is None:
        return usual_kinds(through_codec is not None)
    if unknown := [name for name in kinds if name not in PLANTED]:
        raise SynthmedError(
            f"unknown kind of copy {unknown[0]!r}", mend=f"Known: {', '.join(PLANTED)}"
        )
    if not kinds:
        raise SynthmedError("no kind of copy to plant", mend=f"Known: {', '.join(PLANTED)}")
    return list(kinds)
