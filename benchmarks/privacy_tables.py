"""The tables of `privacy_audit`, and what passes; all margins were set beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import Row, Table, interval
from synthmed.measures.copies.kinds import PLANTED, USUAL_KINDS

RECALL = 0.95
MOST_COPIES = 0.05


def verdict(copies: Mapping[str, Any]) -> str:
    """Whether an audit passes a set: its whole interval below 5 %, above, or neither."""
    if copies["low"] > MOST_COPIES:
        return "fails"
    return "passes" if copies["high"] < MOST_COPIES else "open"


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    rows: Mapping[str, Row] = content["rows"]
    return [_planted(rows), _kinds(rows), _judged(rows)]


def _of(kind: str, rows: Mapping[str, Row]) -> dict[str, Row]:
    start = f"{kind}: "
    return {name.removeprefix(start): row for name, row in rows.items() if name.startswith(start)}


def _planted(rows: Mapping[str, Row]) -> Table:
    header = ("set", "training images", "hold-out images", "found", "outside the search")
    lines = [
        [
            name,
            f"{row['n_train']} of {row['patients_train']}",
            f"{row['n_holdout']} of {row['patients_holdout']}",
            interval(row["all"]),
            interval(row["outside"]),
            interval(row["false_alarms"]),
            str(row["suspects"]),
            "reached" if row["all"]["value"] >= RECALL else "missed",
        ]
        for name, row in _of("planted", rows).items()
    ]
    notes = (
        f"Target: {RECALL:.0%} of the eight kinds together are found. Images of patients (groups).",
        "False alarms: hold-out images taken for copies, each by a rule from other patients.",
        "Suspects among them look like copies themselves and have no part in the threshold.",
    )
    title = "Planted copies of training images found"
    return Table(title, (*header, "false alarms", "suspects", "target"), lines, notes)


def _kinds(rows: Mapping[str, Row]) -> Table:
    lines = [
        [name, *(_counted(row["kinds"][kind]) for kind in PLANTED)]
        for name, row in _of("planted", rows).items()
    ]
    further = ", ".join(kind for kind in PLANTED if kind not in USUAL_KINDS)
    inside = ", ".join(kind for kind in USUAL_KINDS if PLANTED[kind].inside_search)
    notes = (f"Searched for: {inside}.", f"Not counted in the target: {further}.")
    return Table("Found by kind of copy", ("set", *PLANTED), lines, notes)


def _counted(entry: Mapping[str, Any]) -> str:
    return f"{round(entry['value'] * entry['n'])}/{entry['n']}"


def _judged(rows: Mapping[str, Row]) -> Table:
    lines = [
        [f"other patients {how}: {name}", interval(row[how]), str(row[how]["n"]), verdict(row[how])]
        for name, row in _of("others", rows).items()
        for how in ("as they are", "through the codec")
    ]
    for name, row in _of("generator", rows).items():
        if "skipped" in row:
            lines.append([name, row["skipped"], "", ""])
            continue
        copies = row["copies"]
        lines.append([name, interval(copies), str(copies["n"]), verdict(copies)])
    notes = (
        f"Fails: the whole interval above {MOST_COPIES:.0%}; passes: the whole interval below.",
        "Other patients must pass; the generator of few images must fail.",
    )
    return Table("Share of copies", ("images", "copies", "n", "audit"), lines, notes)
