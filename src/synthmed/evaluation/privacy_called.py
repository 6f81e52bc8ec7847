"""The synthetic images that are called copies, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from synthmed.datasets.rows import SPLITS, Row
from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_copies import Found
from synthmed.evaluation.privacy_equal import nearly_equal
from synthmed.evaluation.privacy_searches import searched
from synthmed.evaluation.sides import Side


def called(
    context: Context, found: Sequence[Found], equal: Mapping[int, int]
) -> list[dict[str, Any]]:
    """List the copies; images that equal a training image are copies whatever they score.

    Args:
        context: With `train`.
        found: What the searches found.
        equal: Synthetic and training rows that are equal bit by bit.

    Returns:
        `synthetic` and `train` (names), `score` (None where it was in no search), `image_type`,
        `equal`: one a synthetic image, highest score first.
    """
    train, made = context.train, searched(context)
    assert train is not None
    pairs: dict[int, tuple[int, float | None]] = {}
    for one in found:
        for finding in one.audit.findings:
            row = int(one.search.synthetic[finding.synthetic])
            pair = (int(one.search.train[finding.train]), finding.score)
            pairs[row] = max(pairs.get(row, pair), pair, key=lambda p: p[1] or 0.0)
    for row, match in equal.items():
        seen, score = pairs.get(row, (match, _score_of(found, row)))
        pairs[row] = (seen if nearly_equal(made, row, train, seen) else match, score)
    names = (names_of(made), names_of(train))
    entries = [
        {
            "synthetic": names[0][row],
            "train": names[1][seen],
            "score": score,
            "image_type": str(made.kinds[row]) or "untyped",
            "equal": row in equal or nearly_equal(made, row, train, seen),
        }
        for row, (seen, score) in pairs.items()
    ]
    return sorted(entries, key=lambda entry: -(entry["score"] or 0.0))


def _score_of(found: Sequence[Found], row: int) -> float | None:
    """The best score of an image in any search; None where it was in none."""
    scores = [one.audit.scores[one.search.synthetic == row] for one in found]
    return max((float(score[0]) for score in scores if len(score)), default=None)


def names_of(side: Side) -> list[str]:
    """Name each image by its file name; with its folder and split where a name comes twice.

    Never by its group: that may be a patient's number.
    """
    names = [row.file_name for row in side.rows]
    if len(set(names)) < len(names):
        names = [f"{folder_of(row)}/{row.split}/{row.file_name}".lstrip("/") for row in side.rows]
    if len(set(names)) < len(names):
        names = [f"{i + 1}/{name}" for i, name in enumerate(names)]
    return names


def folder_of(row: Row) -> str:
    """Name of the dataset folder that an image lies in, without its path; "" where unknown."""
    above = row.file.parents
    depth = len(PurePath(row.file_name).parts) - 1
    names = [folder.name for folder in above[depth : depth + 2]]
    return next((name for name in names if name not in ("", *SPLITS)), "")
