"""What a filtered dataset says of its filter; and that the filter's model is never the judge's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synthmed.errors import SafetyError
from synthmed.synthesis.filters.judging import Rejection

COLUMNS = ("file", "check", "score", "threshold", "reason", "round")


def filters_of(info: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the records of the filters that a dataset has been through, from its dataset.json."""
    entries = info.get("filters", [])
    return [entry for entry in entries if isinstance(entry, dict)] if entries else []


def filter_models(info: Mapping[str, Any]) -> dict[str, str]:
    """Give the trained models that a dataset was filtered by.

    Args:
        info: The contents of its dataset.json.

    Returns:
        SHA-256 of the weights by id of the model.
    """
    models = (model for entry in filters_of(dict(info)) for model in entry.get("models", []))
    return {str(model.get("id", "")): str(model.get("sha256", "")) for model in models}


def check_judge(info: Mapping[str, Any], judge: str, sha256: str = "") -> None:
    """Refuse a judge that has filtered what it is to judge.

    Args:
        info: The contents of the dataset's dataset.json.
        judge: Id of the extractor, classifier or other trained model.
        sha256: Hash of its weights, if it is known.

    Raises:
        SafetyError: The dataset was filtered by this model.
    """
    models = filter_models(info)
    if judge in models or (sha256 and sha256 in models.values()):
        raise SafetyError(
            "the dataset was filtered by the same model that is to judge it",
            where=judge,
            mend="Judge it by another extractor, or filter it by another scorer.",
        )


def rejected_csv(rejections: Iterable[Rejection]) -> bytes:
    """Give the contents of rejected.csv; cells that a spreadsheet would run are quoted as text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in rejections:
        numbers = [_number(entry.score), _number(entry.threshold)]
        writer.writerow(
            [_plain(entry.file), entry.check, *numbers, _plain(entry.reason), entry.round]
        )
    return text.getvalue().encode("utf-8")


def by_check(rejections: Sequence[Rejection]) -> dict[str, int]:
    """Count rejections by check."""
    counts: dict[str, int] = {}
    for entry in rejections:
        counts[entry.check] = counts.get(entry.check, 0) + 1
    return counts


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
