"""Which synthetic images a report may show: edits of patients' images are private."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.rows import Row, as_text
from synthmed.evaluation.context import Context
from synthmed.evaluation.edits_pairing import COLUMN
from synthmed.evaluation.samples import synthetic_grids
from synthmed.evaluation.sides import Side

if TYPE_CHECKING:
    from synthmed.evaluation.report import Grid

_DERIVED = "derived_from_patient"
_NO = {"false", "no", "0", "0.0"}


def of_patients(side: Side) -> npt.NDArray[np.bool_]:
    """Tell which synthetic images are edits of patients' images.

    Args:
        side: Synthetic images.

    Returns:
        (N,) True where an export would call the row edited (`kind_of`), or where it names a source
        and `derived_from_patient` does not say no: what is not clear is private.
    """
    return np.asarray([kind_of(row) == "edited" or _names_source(row) for row in side.rows], bool)


def _names_source(row: Row) -> bool:
    denied = as_text(row.extra.get(_DERIVED)).casefold() in _NO
    return not denied and bool(as_text(row.extra.get(COLUMN)))


def name_edits(context: Context) -> None:
    """Warn of edits of patients' images, which the report for everybody does not show."""
    if count := int(of_patients(context.synthetic).sum()):
        context.warnings.append(
            f"{count} of {len(context.synthetic)} synthetic images are edits of patients' images:"
            " they show patients, are not anonymous, and stand in the private report alone"
        )


def made_grids(context: Context, copies: Collection[str] | None) -> list[Grid]:
    """Give grids of the synthetic images that are no edits of patients' images."""
    return _grids(context, ~of_patients(context.synthetic), copies)


def edited_grids(context: Context) -> list[Grid]:
    """Give grids of the edits of patients' images, for the private report only."""
    grids = _grids(context, of_patients(context.synthetic), None)
    return [replace(grid, title=f"{grid.title}, edited", private=True) for grid in grids]


def _grids(
    context: Context, chosen: npt.NDArray[np.bool_], copies: Collection[str] | None
) -> list[Grid]:
    if chosen.all():
        return synthetic_grids(context, copies)
    if not chosen.any():
        return []
    return synthetic_grids(replace(context, synthetic=context.synthetic.take(chosen)), copies)
