"""A look at the images: a few of every type, drawn with a fixed seed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Context
from synthmed.evaluation.sides import Side
from synthmed.measures.search import nearest

if TYPE_CHECKING:
    from synthmed.evaluation.report import Grid

_EACH, _TYPES = 8, 12
_ALIKE = 0.02
"""Root mean square difference of two images of 16 × 16 pixels, of a range of 2: re-encoded."""


def synthetic_grids(context: Context, copies: Collection[str] | None = None) -> list[Grid]:
    """Give a grid of synthetic images for each type, with their prompts.

    Left out is what may show a patient: images that were called copies, and those that look like
    a real or training image when all are shrunk to 16 × 16 pixels.

    Args:
        context: The compared sides.
        copies: Names of those that are copies of training images (their ends are file names);
            None where copies were not looked for.
    """
    names = [row.file_name for row in context.synthetic.rows]
    hidden = np.asarray([any(copy.endswith(name) for copy in copies or ()) for name in names])
    hidden |= _like_patients(context)
    note = " Copies of patients were not looked for." if copies is None else ""
    return _grids(
        context.synthetic, ~hidden, "synthetic", context.settings.seed, private=False, note=note
    )


def _like_patients(context: Context) -> npt.NDArray[np.bool_]:
    """(N,) whether a synthetic image nearly equals a real or a training image."""
    made = context.features(context.synthetic, "pixels-16").values
    alike = np.zeros(len(made), dtype=bool)
    for side in (context.real, context.train):
        if side is not None:
            distance, _ = nearest(made, context.features(side, "pixels-16").values, k=1)
            alike |= distance[:, 0] <= _ALIKE * np.sqrt(made.shape[1])
    return alike


def real_grids(context: Context) -> list[Grid]:
    """Give the same of the real images, for the private report only."""
    every = np.ones(len(context.real), dtype=bool)
    return _grids(context.real, every, "real", context.settings.seed, private=True, note="")


def _grids(
    side: Side, shown: npt.NDArray[np.bool_], word: str, seed: int, *, private: bool, note: str
) -> list[Grid]:
    from synthmed.evaluation.report import Grid

    grids, prompts = [], side.prompts
    for kind in sorted(set(side.kinds))[:_TYPES]:
        members = np.flatnonzero((side.kinds == kind) & shown)
        drawn = np.random.default_rng(seed).permutation(members)[:_EACH]
        images = [
            (as_bytes(image), prompts[i])
            for i, image in zip(drawn, side.images(drawn), strict=True)
        ]
        every = int((side.kinds == kind).sum())
        caption = f"{len(images)} of {every} {word} images, drawn at random (seed {seed}).{note}"
        if every > len(members):
            caption += f" {every - len(members)} were not drawn from: they may show patients."
        if images:
            grids.append(Grid(kind or "all images", caption, images, private))
    return grids


def as_bytes(image: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Turn an image (C, H, W) in [-1, 1] into grey levels (H, W), or (H, W, 3) for colours."""
    levels = np.rint((np.clip(image, -1, 1) + 1) * 127.5).astype(np.uint8)
    return levels[0] if levels.shape[0] == 1 else np.moveaxis(levels, 0, -1)
