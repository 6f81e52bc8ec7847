"""What the searches for copies found, as the JSON values of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_called import called
from synthmed.evaluation.privacy_copies import Found
from synthmed.evaluation.privacy_distances import quantiles
from synthmed.evaluation.privacy_searches import ALL, searched
from synthmed.evaluation.sides import Side
from synthmed.measures.copies.planted import SelfTest
from synthmed.measures.copies.prepare import shows
from synthmed.measures.intervals import wilson


def copies_data(
    context: Context, found: Sequence[Found], equal: Mapping[int, int]
) -> dict[str, Any]:
    """Put the searches together, as JSON values.

    Args:
        context: Whose file names are given.
        found: At least one search.
        equal: Synthetic and training rows that are equal bit by bit, whatever their types.

    Returns:
        `copies`, `equal_images`, `copy_rate`, `expected_by_chance` (images that copy nobody and
        are called copies, for this number of images), `false_alarms`, `threshold`, `self_test`,
        `unsearched` (images of no search that worked, by type), `borrowed` (images that were only
        searched with the threshold of all types, by type), `by_type`.
    """
    made = searched(context)
    own = [one.search.synthetic for one in found if one.search.kind != ALL]
    every = np.unique(np.concatenate([one.search.synthetic for one in found]))
    typed = np.unique(np.concatenate(own)) if own else np.zeros(0, np.int64)
    copies = called(context, found, equal)
    n = len(np.union1d(every, np.asarray(list(equal), np.int64)))
    held = sum(one.audit.n_holdout for one in found)
    alarms = sum(_alarms(one) for one in found)
    missed = np.setdiff1d(np.arange(len(made)), every)
    return {
        "copies": copies,
        "equal_images": sum(entry["equal"] for entry in copies),
        "copy_rate": rate(len(copies), n),
        "expected_by_chance": sum(one.audit.quantile * one.audit.n for one in found),
        "false_alarms": rate(alarms, held),
        "threshold": {one.search.kind: one.audit.threshold for one in found},
        "self_test": _tests([one.test for one in found]),
        "unsearched": _by_kind(made, missed[_visible(made, missed)]),
        "borrowed": _by_kind(made, np.setdiff1d(every, typed)),
        "by_type": {one.search.kind: _type_data(one, equal, typed) for one in found},
    }


def rate(k: int, n: int) -> dict[str, Any]:
    """A share with its 95 % Wilson interval."""
    low, high = wilson(k, n)
    return {"value": k / n, "low": low, "high": high, "n": n}


def _visible(side: Side, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which images are not even: even ones show nobody."""
    return shows(side.images(rows), side.name) if len(rows) else np.zeros(0, np.bool_)


def _by_kind(side: Side, rows: npt.NDArray[np.int64]) -> dict[str, int]:
    """How many of some images are of which type."""
    kinds, counts = np.unique(side.kinds[rows], return_counts=True)
    return {str(kind) or "untyped": int(n) for kind, n in zip(kinds, counts, strict=True)}


def _alarms(one: Found) -> int:
    return round(one.audit.false_alarms[0] * one.audit.n_holdout)


def _type_data(
    one: Found, equal: Mapping[int, int], typed: npt.NDArray[np.int64]
) -> dict[str, Any]:
    copies = {int(one.search.synthetic[finding.synthetic]) for finding in one.audit.findings}
    copies |= set(one.search.synthetic.tolist()) & set(equal)
    again = one.search.kind == ALL and bool(np.isin(one.search.synthetic, typed).all())
    return {
        "n_synthetic": one.audit.n,
        "n_train": one.audit.n_train,
        "n_holdout": one.audit.n_holdout,
        "searched_again": again,
        "copies": len(copies),
        "copy_rate": rate(len(copies), one.audit.n),
        "false_alarms": rate(_alarms(one), one.audit.n_holdout),
        "threshold": one.audit.threshold,
        "quantile": one.audit.quantile,
        "certain_from": one.certain,
        "certain": sum(finding.score >= one.certain for finding in one.audit.findings),
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
