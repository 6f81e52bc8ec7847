"""Which images are searched for copies of which: type by type, as far as there are enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.sides import Side
from synthmed.measures.copies.prepare import shows
from synthmed.measures.search import nearest

Index = npt.NDArray[np.int64]
LEAST_GROUPS = 4
"""Patients on either side that a search of its own needs."""
MOST_ACROSS = 20_000
"""Training images up to which a copy is looked for among types that are not its own."""
ALL = "all types"


@dataclass(frozen=True)
class Search:
    """One search: the rows of each side that are compared.

    Attributes:
        kind: Image type; "all types" where images of several are searched together.
        synthetic: Rows of the synthetic side.
        train: Rows of the training images.
        holdout: Rows of the hold-out images.
    """

    kind: str
    synthetic: Index
    train: Index
    holdout: Index


def searched(context: Context) -> Side:
    """All synthetic images, of whatever type: rows of searches are rows of this side."""
    return context.synthetic if context.every is None else context.every


def searches(context: Context, warn: Callable[[str], None]) -> list[Search]:
    """Deal the images into searches.

    Synthetic images of a type with training and hold-out images of at least four patients each
    have a search of their own. The others are searched together among all real images; so are,
    once more, those whose nearest training image in feature space is of another type, as the
    type that they are said to be may be wrong.

    Args:
        context: With `train` and `holdout`.
        warn: Told what a reader must know.

    Returns:
        The searches; [] where no real images suffice.
    """
    train, holdout = context.train, context.holdout
    assert train is not None
    assert holdout is not None
    sides = (searched(context), train, holdout)
    rows = [np.flatnonzero(_shows(side, warn)) for side in sides]
    kinds = [side.kinds[own] for side, own in zip(sides, rows, strict=True)]
    found: list[Search] = []
    left = np.ones(len(rows[0]), np.bool_)
    for kind in sorted(set(kinds[0].tolist())):
        parts = [own[k == kind] for own, k in zip(rows, kinds, strict=True)]
        if _enough(train, parts[1]) and _enough(holdout, parts[2]):
            found.append(Search(kind or "untyped", *parts))
            left &= kinds[0] != kind
    if not (_enough(train, rows[1]) and _enough(holdout, rows[2])):
        return found
    if left.any() and (found or len(set(kinds[1].tolist())) > 1):
        warn(
            f"{int(left.sum())} synthetic images ({_names(kinds[0][left])}) have too few training "
            "or hold-out images of their type: they are searched among those of all types"
        )
    across = left | _strangers(context, rows, kinds, warn) if found else left
    if not across.any():
        return found
    return [*found, Search(ALL, rows[0][across], *rows[1:])]


def comparable(context: Context, parts: Sequence[Search]) -> list[Search]:
    """The searches whose training and hold-out images are alike but for having been trained on.

    Those within a type; where there are none, that among all types if both sides have the same.
    """
    assert context.train is not None
    assert context.holdout is not None
    own = [part for part in parts if part.kind != ALL]
    same = set(context.train.kinds.tolist()) == set(context.holdout.kinds.tolist())
    return own or (list(parts) if same else [])


def _strangers(
    context: Context,
    rows: list[Index],
    kinds: list[npt.NDArray[np.str_]],
    warn: Callable[..., None],
) -> npt.NDArray[np.bool_]:
    """Which synthetic images have a nearest training image of another type."""
    none = np.zeros(len(rows[0]), np.bool_)
    if len(set(kinds[1].tolist())) < 2:
        return none
    if len(rows[1]) > MOST_ACROSS:
        warn(
            f"more than {MOST_ACROSS:,} training images: apart from equal images, copies of a "
            "training image of another type than their own were not looked for"
        )
        return none
    assert context.train is not None
    try:
        made = context.features(searched(context)).values[rows[0]]
        seen = context.features(context.train).values[rows[1]]
        _, match = nearest(made, seen, k=1)
    except SynthmedError as error:
        warn(f"copies of training images of another type were not looked for: {error}")
        return none
    return np.asarray(kinds[1][match[:, 0]] != kinds[0])


def _enough(side: Side, rows: Index) -> bool:
    return len(set(side.groups[rows].tolist())) >= LEAST_GROUPS


def _shows(side: Side, warn: Callable[[str], None]) -> npt.NDArray[np.bool_]:
    """(N,) which images are not even."""
    parts = [shows(batch, side.name) for batch in side.batches()]
    seen = np.concatenate(parts) if parts else np.zeros(0, np.bool_)
    if not seen.all():
        warn(f"{int((~seen).sum())} even {side.name} images are left out of the search for copies")
    return seen


def _names(kinds: npt.NDArray[np.str_]) -> str:
    return ", ".join(sorted({str(kind) or "untyped" for kind in kinds}))
