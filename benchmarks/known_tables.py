"""The tables of `known_answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import Row, Table, interval
from benchmarks.faults import FAULTS
from benchmarks.known_metrics import NEAR_COPIES, WITHIN_LABELS

WANTED = {
    "kid": ("blur", "noise", "mode drop"),
    "coverage": ("mode drop",),
    "high-frequency-ratio": ("blur", "noise"),
    WITHIN_LABELS: ("label swap",),
    NEAR_COPIES: ("copies",),
}
"""What must be seen at the greatest strength, all types together, by any of the features."""
UNITS = {
    "blur": "σ, pixels",
    "noise": "standard deviation",
    "mode drop": "share lost",
    "label swap": "share swapped",
    "copies": "share copied",
    "other patients": "control",
}
ALL = "all types"
_HOW = (
    "A cell says in how many of the {n} types ({names}) the fault is seen, weakest strength first; "
    "then in how many the value moves steadily with the strength. A dash: the metric is not made "
    "for this fault."
)
_HOW_ALL = (
    "{names} in one set, {n} images a third. A cell names the strength from which on the fault is "
    "seen; 'steady': the value moves the right way at every step. A dash: the metric is not made "
    "for this fault."
)


def tables(content: Mapping[str, Any]) -> list[Table]:
    """Make the tables: the truth, who sees what, and the verdict.

    Args:
        content: The results' file.
    """
    rows: dict[str, Row] = content["rows"]
    known = {tuple(name.split(", ")): row for name, row in rows.items()}
    measured: dict[str, dict[tuple[str, str], Row]] = {}
    for (kind, space, fault), row in known.items():
        if kind != "gaussian":
            measured.setdefault(space, {})[kind, fault] = row
    gaussians = [
        [f"{change} {strength}", *(cell for m in ("kid", "frechet") for cell in _truth(row[m]))]
        for (kind, change, strength), row in known.items()
        if kind == "gaussian"
    ]
    header = ("change", "KID", "true", "Fréchet", "true")
    note = "The Fréchet distance of finite samples is biased upwards; KID is not."
    made = [Table("Gaussians of known distance", header, gaussians, (note,))]
    for space, of in measured.items():
        types = [kind for kind in dict.fromkeys(kind for kind, _ in of) if kind != ALL]
        made += [_seen(space, of, [ALL], types)] if any(kind == ALL for kind, _ in of) else []
        made.append(_seen(space, of, types, types))
    if measured:
        made.append(_verdict(measured))
    return made


def _truth(entry: Mapping[str, Any]) -> list[str]:
    return [interval(entry), f"{entry['truth']:.3g}"]


def _seen(
    space: str, rows: Mapping[tuple[str, str], Row], shown: list[str], types: list[str]
) -> Table:
    """Who sees what, by one kind of features, in all types together or in each."""
    own = {fault: [rows[k, fault] for k in shown if (k, fault) in rows] for fault in FAULTS}
    own = {fault: found for fault, found in own.items() if found}
    first = next(iter(own.values()))[0]
    header = ["metric"]
    for fault, found in own.items():
        strengths = " ".join(f"{s:g}" for s in found[0]["strengths"])
        control = fault == "other patients"
        header.append(f"{fault} ({UNITS[fault]}{'' if control else f': {strengths}'})")
    together = shown == [ALL]
    cell = _one if together else _counts
    lines = [
        [name, *(cell(name, fault, found) for fault, found in own.items())]
        for name in dict.fromkeys(m for found in own.values() for m in found[0]["metrics"])
    ]
    names = ", ".join(types)
    note = (_HOW_ALL if together else _HOW).format(
        names=names, n=first["n"] if together else len(types)
    )
    word = "all types together" if together else "each type"
    return Table(f"Which metric sees which fault: {space}, {word}", header, lines, (note,))


def _one(metric: str, fault: str, found: list[Row]) -> str:
    """From which strength on a single set's fault is seen."""
    entry = found[0]["metrics"].get(metric)
    if entry is None:
        return "–"
    if fault == "other patients":
        return "seen" if entry["seen"][0] else "no"
    blind = [i for i, seen in enumerate(entry["seen"]) if not seen]
    first = blind[-1] + 1 if blind else 0
    if first == len(entry["seen"]):
        return "no"
    steady = ", steady" if entry["steady"] else ""
    return f"from {found[0]['strengths'][first]:g}{steady}"


def _counts(metric: str, fault: str, found: list[Row]) -> str:
    """In how many sets a fault is seen, by strength."""
    entries = [row["metrics"][metric] for row in found if metric in row["metrics"]]
    if not entries:
        return "–"
    counts = [str(sum(seen)) for seen in zip(*(e["seen"] for e in entries), strict=True)]
    if fault == "other patients":
        return counts[0]
    return f"{' '.join(counts)} · {sum(e['steady'] for e in entries)}"


def _verdict(measured: Mapping[str, Mapping[tuple[str, str], Row]]) -> Table:
    """Whether each metric sees what it must, and how many false alarms there are."""
    lines = []
    for metric, faults in WANTED.items():
        for fault in faults:
            cells, reached = [], False
            for space, rows in measured.items():
                seen = {
                    kind: row["metrics"][metric]["seen"][-1]
                    for (kind, of), row in rows.items()
                    if of == fault and metric in row["metrics"]
                }
                if seen:
                    together = seen.pop(ALL, None)
                    reached |= all(seen.values()) if together is None else together
                    word = "" if together is None else f", together {'yes' if together else 'no'}"
                    cells.append(f"{space} {sum(seen.values())} of {len(seen)}{word}")
            lines.append([metric, fault, "; ".join(cells), "reached" if reached else "missed"])
    control = [
        entry["seen"][0]
        for rows in measured.values()
        for (_, fault), row in rows.items()
        if fault == "other patients"
        for entry in row["metrics"].values()
    ]
    note = f"False alarms on undamaged images of other patients: {sum(control)} of {len(control)}."
    header = ("metric", "fault", "types that see the greatest strength", "target: all together")
    return Table("What must be seen", header, lines, (note,))
