"""A look at the images: a few of every type, drawn with a fixed seed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Context
from synthmed.evaluation.sides import Side

if TYPE_CHECKING:
    from synthmed.evaluation.report import Grid

_EACH, _TYPES = 8, 12


def synthetic_grids(context: Context, copies: Collection[str] = ()) -> list[Grid]:
    """Give a grid of synthetic images for each type, with their prompts.

    Args:
        context: The compared sides.
        copies: File names of those that are copies of training images: they show patients, so
            they are left out, and so is every file that is also on the real side.
    """
    patients = [side.digests for side in (context.real, context.train) if side is not None]
    known = np.isin(context.synthetic.digests, np.concatenate(patients))
    known |= np.isin([row.file_name for row in context.synthetic.rows], list(copies))
    return _grids(context.synthetic, ~known, "synthetic", context.settings.seed, private=False)


def real_grids(context: Context) -> list[Grid]:
    """Give the same of the real images, for the private report only."""
    every = np.ones(len(context.real), dtype=bool)
    return _grids(context.real, every, "real", context.settings.seed, private=True)


def _grids(
    side: Side, shown: npt.NDArray[np.bool_], word: str, seed: int, *, private: bool
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
        caption = f"{len(images)} of {every} {word} images, drawn at random (seed {seed})."
        if every > len(members):
            caption += f" {every - len(members)} were not drawn from: they may show patients."
        if images:
            grids.append(Grid(kind or "all images", caption, images, private))
    return grids


def as_bytes(image: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Turn an image (C, H, W) in [-1, 1] into grey levels (H, W), or (H, W, 3) for colours."""
    levels = np.rint((np.clip(image, -1, 1) + 1) * 127.5).astype(np.uint8)
    return levels[0] if levels.shape[0] == 1 else np.moveaxis(levels, 0, -1)
