"""Are concepts shown as well for all patients? Figures by sex, age band and source, with gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Settings
from synthmed.evaluation.facts import all_facts
from synthmed.evaluation.judged_comparison import Scored, difference, mean_area
from synthmed.evaluation.judged_estimates import Estimate, ends_over_groups, estimate
from synthmed.evaluation.judging import Judged
from synthmed.evaluation.sides import Side

FEWEST = 10
"""Images of each answer within a subgroup, below which it has no figure."""
BANDS = ((0, 40, "age under 40"), (40, 65, "age 40 to 64"), (65, 200, "age 65 and over"))
ATTRIBUTES = ("sex", "age band", "source")

Names = npt.NDArray[np.str_]


def subgroup_names(side: Side, *, stated: bool) -> dict[str, Names]:
    """Give the subgroup of each row by attribute, "" where it is unknown.

    Args:
        side: Its rows; the source is the column `domain`, else the part of the group's name
            before the colon on the real side.
        stated: Whether prompts are read for what the columns leave open.
    """
    facts = all_facts(side.rows, stated=stated)
    sexes = {"F": "female", "M": "male"}
    sources = [row.domain or ("" if stated else _source(row.group_id)) for row in side.rows]
    return {
        "sex": np.asarray([sexes.get(fact.sex, "") for fact in facts], dtype=np.str_),
        "age band": np.asarray([_band(fact.age) for fact in facts], dtype=np.str_),
        "source": np.asarray(sources, dtype=np.str_),
    }


def subgroup_rows(
    judged: Sequence[Judged], names: tuple[dict[str, Names], dict[str, Names]], settings: Settings
) -> list[dict[str, Any]]:
    """Measure each concept within each subgroup that both answers have 10 images of.

    Args:
        judged: Concepts that judges could judge.
        names: Subgroups of all real and of all synthetic rows.
        settings: Seed and draws.

    Returns:
        A row for each concept, attribute and subgroup: "real" and "synthetic" AUROC, and
        "gap_real" and "gap_synthetic", the difference to all other known subgroups together.
    """
    rows = []
    for one in judged:
        ids = one.entry["real"]["extractor"], one.entry["real"]["preprocessing"]
        for attribute in ATTRIBUTES:
            if one.question.aspect == attribute:
                continue
            sides = [names[i][attribute][one.rows[i]] for i in (0, 1)]
            values = sorted({*sides[0], *sides[1]} - {""})
            if len(values) < 2:
                continue
            found = []
            for value in values:
                row: dict[str, Any] = {"concept": one.question.name, "attribute": attribute}
                row["subgroup"] = str(value)
                for i, word in enumerate(("real", "synthetic")):
                    scored = (one.real, one.synthetic)[i]
                    row[word], row[f"gap_{word}"] = _figures(
                        scored, sides[i], value, i, ids, settings
                    )
                if row["real"] is None and row["synthetic"] is None:
                    continue
                found.append(row)
            rows += found if len(found) > 1 else []
    return rows


def _figures(
    scored: Scored, names: Names, value: str, side: int, ids: tuple[str, str], settings: Settings
) -> tuple[Estimate | None, Estimate | None]:
    """AUROC within a subgroup and its difference to the others; None where there are too few."""
    inside, others = names == value, (names != value) & (names != "")
    if not _enough(scored[0][inside]):
        return None, None
    truth, scores, groups = (part[inside] for part in scored)
    counts = (len(truth), 0) if side == 0 else (0, len(truth))
    ends = ends_over_groups(mean_area, [truth, scores], groups, settings)
    figure = estimate(mean_area(truth, scores), ends, counts, ids)
    if not _enough(scored[0][others]):
        return figure, None
    rest = scored[0][others], scored[1][others], scored[2][others]
    gap = difference(rest, (truth, scores, groups), ids, settings)
    n = int(inside.sum() + others.sum())
    return figure, gap | {"n_real": n if side == 0 else 0, "n_synthetic": 0 if side == 0 else n}


def _enough(truth: npt.NDArray[np.int64]) -> bool:
    return min((truth == 1).sum(), (truth == 0).sum()) >= FEWEST


def _band(age: float | None) -> str:
    if age is None:
        return ""
    return next((name for low, high, name in BANDS if low <= age < high), "")


def _source(group: str) -> str:
    return group.split(":", 1)[0] if ":" in group else ""
