"""What the searches for copies found, as the JSON values of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_copies import Found
from synthmed.evaluation.privacy_distances import quantiles
from synthmed.evaluation.sides import Side
from synthmed.measures.copies.planted import SelfTest
from synthmed.measures.intervals import wilson

ONE_LEVEL = 2.0 / 255.0 + 1e-6
"""Two images are equal where no pixel differs by more than one of 255 grey levels."""


def copies_data(context: Context, found: Sequence[Found]) -> dict[str, Any]:
    """Put the searches together, as JSON values.

    Args:
        context: Whose file names are given.
        found: At least one search.

    Returns:
        `copies`, `equal_images`, `copy_rate`, `expected_by_chance` (images that copy nobody and
        are called copies, for this number of images), `false_alarms`, `threshold`, `self_test`,
        `by_type`.
    """
    copies = [entry for one in found for entry in _copies(context, one)]
    copies.sort(key=lambda entry: -entry["score"])
    n = sum(one.audit.n for one in found)
    held = sum(one.audit.n_holdout for one in found)
    alarms = sum(_alarms(one) for one in found)
    return {
        "copies": copies,
        "equal_images": sum(entry["equal"] for entry in copies),
        "copy_rate": rate(len(copies), n),
        "expected_by_chance": sum(one.audit.quantile * one.audit.n for one in found),
        "false_alarms": rate(alarms, held),
        "threshold": {one.search.kind: one.audit.threshold for one in found},
        "self_test": _tests([one.test for one in found]),
        "by_type": {one.search.kind: _type_data(one) for one in found},
    }


def names_of(side: Side) -> list[str]:
    """Name each image by its file name; with its source where a name comes twice."""
    names = [row.file_name for row in side.rows]
    if len(set(names)) == len(names):
        return names
    return [f"{row.group_id.split(':')[0]}/{row.split}/{row.file_name}" for row in side.rows]


def rate(k: int, n: int) -> dict[str, Any]:
    """A share with its 95 % Wilson interval."""
    low, high = wilson(k, n)
    return {"value": k / n, "low": low, "high": high, "n": n}


def _copies(context: Context, one: Found) -> list[dict[str, Any]]:
    assert context.train is not None
    entries = []
    names = (names_of(context.synthetic), names_of(context.train))
    for finding in one.audit.findings:
        made = int(one.search.synthetic[finding.synthetic])
        seen = int(one.search.train[finding.train])
        entries.append(
            {
                "synthetic": names[0][made],
                "train": names[1][seen],
                "score": finding.score,
                "image_type": one.search.kind,
                "equal": _equal(context.synthetic, made, context.train, seen),
            }
        )
    return entries


def _equal(synthetic: Side, made: int, train: Side, seen: int) -> bool:
    difference = np.abs(synthetic.images([made]) - train.images([seen]))
    return bool(difference.max() <= ONE_LEVEL)


def _alarms(one: Found) -> int:
    return round(one.audit.false_alarms[0] * one.audit.n_holdout)


def _type_data(one: Found) -> dict[str, Any]:
    return {
        "n_synthetic": one.audit.n,
        "n_train": one.audit.n_train,
        "n_holdout": one.audit.n_holdout,
        "copies": len(one.audit.findings),
        "copy_rate": rate(len(one.audit.findings), one.audit.n),
        "false_alarms": rate(_alarms(one), one.audit.n_holdout),
        "threshold": one.audit.threshold,
        "quantile": one.audit.quantile,
        "method": one.audit.method,
        "self_test": _tests([one.test]),
        "views": {name: quantiles(view.values) for name, view in one.audit.views.items()},
    }


def _tests(tests: Sequence[SelfTest]) -> dict[str, Any]:
    """Add up self-tests."""
    found, planted = sum(t.found for t in tests), sum(t.planted for t in tests)
    by_kind: dict[str, dict[str, Any]] = {}
    for test in tests:
        for name, counts in test.by_kind.items():
            total = by_kind.setdefault(name, {"found": 0, "planted": 0})
            total["found"] += counts["found"]
            total["planted"] += counts["planted"]
            total["inside_search"] = counts["inside_search"]
    for total in by_kind.values():
        total["low"], total["high"] = wilson(total["found"], total["planted"])
    return {
        "found": found,
        "planted": planted,
        "recall": rate(found, planted),
        "by_kind": by_kind,
    }
