"""Do classifiers serve all patients alike? Scores in subgroups, gaps, and what changed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmed.evaluation.utility_parts.designs import Design
from synthmed.evaluation.utility_parts.draws import Draws, Scored, scored
from synthmed.evaluation.utility_parts.labelled import Labelled

FEWEST = 5
"""Images of a class, inside and outside of a subgroup, without which the class is left out."""
METRIC = "auroc"


def subgroup_rows(
    test: Labelled,
    probabilities: Mapping[str, NDArray[np.float64]],
    draws: Draws,
    designs: Sequence[Design],
    baseline: str,
) -> list[dict[str, Any]]:
    """Rows of all subgroups with images enough, for the baseline and all that is no control.

    A subgroup's score and that of the rest are taken over the same classes: those with at least
    five images on both sides. The gap is the subgroup's score minus the rest's; the change is the
    design's score in the subgroup minus the baseline's, paired.

    Args:
        test: The test images and their attributes.
        probabilities: (S, N, K) by design.
        draws: For these images and seeds.
        designs: The table's designs.
        baseline: Name of the design that others are compared with.

    Returns:
        For each subgroup and design `attribute`, `level`, `design`, `images`, `patients`,
        `classes`, `score`, `gap` and `change` (None for the baseline itself); for a subgroup that
        is too small `not_measurable` with the reason.
    """
    shown = [d.name for d in designs if d.name == baseline or not d.control]
    shown.sort(key=lambda name: name != baseline)
    rows: list[dict[str, Any]] = []
    for attribute, column in test.attributes.items():
        known = column != ""
        levels = np.unique(column[known]).tolist()
        for level in levels if len(levels) > 1 else []:
            inside, outside = column == level, known & (column != level)
            rows += _level_rows(
                {"attribute": attribute, "level": str(level)},
                (test, inside, outside),
                {name: probabilities[name] for name in shown},
                draws,
                baseline,
            )
    return rows


def _level_rows(
    about: dict[str, Any],
    where: tuple[Labelled, NDArray[np.bool_], NDArray[np.bool_]],
    probabilities: Mapping[str, NDArray[np.float64]],
    draws: Draws,
    baseline: str,
) -> list[dict[str, Any]]:
    test, inside, outside = where
    patients = len(set(test.groups[inside].tolist()))
    about = {**about, "images": int(inside.sum()), "patients": patients}
    counts = [np.bincount(test.labels[side]) for side in (inside, outside)]
    width = min(map(len, counts))
    both = np.flatnonzero(np.minimum(counts[0][:width], counts[1][:width]) >= FEWEST)
    if len(both) < 2:
        why = f"fewer than {FEWEST} test images of two classes in it and outside of it"
        return [{**about, "not_measurable": why}]
    usable = np.isin(test.labels, both)
    base: Scored | None = None
    rows = []
    for name, p in probabilities.items():
        own, rest = (
            scored(METRIC, test.labels, p, draws, side & usable) for side in (inside, outside)
        )
        base = own if name == baseline else base
        change = None if base is None or name == baseline else own.minus(base).estimate()
        rows.append(
            {
                **about,
                "design": name,
                "classes": both.tolist(),
                "score": own.estimate(),
                "gap": _gap(own, rest),
                "change": change,
            }
        )
    return rows


def _gap(own: Scored, rest: Scored) -> dict[str, Any]:
    """Score in the subgroup minus outside of it, over the patients of both."""
    gap = Scored(
        own.by_seed - rest.by_seed,
        own.draws_B - rest.draws_B,
        own.n + rest.n,
        min(own.patients, rest.patients),
    )
    return gap.estimate()
