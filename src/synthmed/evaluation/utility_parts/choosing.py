"""Which images of a report's sides classifiers are trained on and tested on."""

from __future__ import annotations

from collections import Counter

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.sides import Side

KINDS = 3
"""Image types that are measured, each for itself: the most frequent ones."""


def real_parts(context: Context) -> tuple[Side, Side, str]:
    """Choose real images to train on, and real images of other patients to test on.

    Args:
        context: The compared sides.

    Returns:
        The generator's training images and the hold-out, where both were given; else the splits
        `train` and `test` of the real set; else two halves of it by patient. Third, which of
        these, in words. Test images that are a training image, file by file, are left out.

    Raises:
        SynthmedError: Fewer than four patients to be split.
    """
    if context.train is not None and context.holdout is not None:
        how = "real training images: the generator's; test images: other patients"
        return context.train, _without(context.holdout, context.train), how
    splits = np.asarray([row.split for row in context.real.rows])
    if {"train", "test"} <= set(splits.tolist()):
        train, test = (context.real.take(splits == name, name) for name in ("train", "test"))
        return train, _without(test, train), "splits train and test of the real set"
    groups = context.real.groups
    names = np.unique(groups)
    if len(names) < 4:
        raise SynthmedError(f"real images of {len(names)} patients cannot be split")
    order = np.random.default_rng([context.settings.seed, 4]).permutation(names)
    first = np.isin(groups, order[: len(order) // 2])
    train, test = context.real.take(first, "train"), context.real.take(~first, "test")
    return train, _without(test, train), "two halves of the real set by patient"


def by_kind(column: str, *sides: Side) -> tuple[dict[str, tuple[Side, ...]], list[str]]:
    """Take the image types apart, so that no label can be told by its type.

    Args:
        column: What is asked for; `image_type` itself keeps all types together.
        sides: Training, test and synthetic images.

    Returns:
        The same sides for each of the most frequent types that all of them have, by type ("" where
        there is nothing to take apart); and what was left out, in words.
    """
    shared = set.intersection(*({*side.kinds.tolist()} for side in sides))
    if column == "image_type" or not shared or all(len({*s.kinds}) == 1 for s in sides):
        return {"": sides}, []
    counts = Counter(kind for kind in sides[1].kinds.tolist() if kind in shared)
    kinds = [kind for kind, _ in counts.most_common()]
    found = {kind: tuple(s.take(s.kinds == kind) for s in sides) for kind in kinds[:KINDS]}
    rest = kinds[KINDS:]
    said = f"only the {KINDS} most frequent types were measured, not {', '.join(rest)}"
    return found, [said] if rest else []


def _without(test: Side, train: Side) -> Side:
    """The test images that are no training image, file by file."""
    return test.take(~np.isin(test.digests, train.digests))
