"""When nothing can be said of privacy, and what weakens what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_called import folder_of
from synthmed.evaluation.privacy_copy_light import LEAST_RECALL
from synthmed.evaluation.privacy_searches import LEAST_GROUPS
from synthmed.evaluation.sides import Side

FEW_HOLDOUT = 100
"""Below so many hold-out images a false-alarm rate of 1 % cannot be told from 4 %."""


def missing(context: Context) -> tuple[str, str] | None:
    """The reason why nothing can be measured and a warning, if so."""
    if context.train is None or len(context.train) == 0:
        reason = "the generator's training images were not given (--train)"
        return reason, "missing training set: whether images are copies was not looked at"
    if context.holdout is None or len(set(context.holdout.groups.tolist())) < LEAST_GROUPS:
        reason = f"real images of at least {LEAST_GROUPS} patients outside the training set"
        return (
            f"{reason} are needed",
            "missing hold-out images: without images of other patients no threshold can be set",
        )
    return None


def warn_of_sides(context: Context, warn: Callable[[str], None]) -> None:
    """Name what weakens the comparison of training and hold-out images.

    Args:
        context: With `train` and `holdout`.
        warn: Told each.
    """
    train, holdout = context.train, context.holdout
    assert train is not None
    assert holdout is not None
    if len(holdout) < FEW_HOLDOUT:
        warn(f"small hold-out set: {len(holdout)} images; false-alarm rates are uncertain")
    shared = int(np.isin(holdout.groups, train.groups).sum())
    if shared:
        warn(f"{shared} hold-out images are of patients of the training set")
    same = int(np.isin(holdout.digests, train.digests).sum())
    if same:
        warn(f"{same} hold-out images are files of the training set")
    if not _same_sources(train, holdout):
        folders = sorted({folder_of(row) for side in (train, holdout) for row in side.rows} - {""})
        warn(
            "training and hold-out images are of different sources"
            + (f" (folders {', '.join(folders)})" if folders else "")
            + ": differences between sources look like memory"
        )


def _same_sources(train: Side, holdout: Side) -> bool:
    """Whether what stands before the colon of "source:patient" is the same on both sides.

    True where it cannot be told: groups without a colon, or hardly two of one "source".
    """
    groups = [set(side.groups.tolist()) for side in (train, holdout)]
    sources = [{name.split(":")[0] for name in names} for names in groups]
    if any(":" not in name for names in groups for name in names):
        return True
    few = all(len(own) <= len(names) / 2 for own, names in zip(sources, groups, strict=True))
    return sources[0] == sources[1] or not few


def warn_of_recall(data: dict[str, Any], warn: Callable[[str], None]) -> None:
    """Name the types whose planted copies were not found."""
    for kind, entry in data["by_type"].items():
        test = entry["self_test"]
        if test["recall"]["value"] < LEAST_RECALL:
            warn(
                f"{kind}: only {test['found']} of {test['planted']} planted copies were found; "
                "absence of copies of this type means little"
            )
