"""The tables of `utility_table`, and its verdicts; all margins were set beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import Row, Table
from synthmed.evaluation.utility_parts.showing import cell, helps

MARGIN = 0.02
"""AUROC by which N and synthetic images may be worse than 2N and still be worth twice the data."""
DOUBLE, LONGER, MIXED = "real 2N", "real N, twice as long", "real N + synthetic"
SHUFFLED = f"{MIXED}, labels shuffled"


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file: the choice, and one a set."""
    rows: Mapping[str, Row] = content["rows"]
    start = "table: "
    found = {name.removeprefix(start): row for name, row in rows.items() if name.startswith(start)}
    return [_choice(rows, found), *(_table(name, row) for name, row in found.items())]


def _choice(rows: Mapping[str, Row], found: Mapping[str, Row]) -> Table:
    lines = []
    for name, row in rows.items():
        if name.startswith("choice: "):
            name = name.removeprefix("choice: ")
            figures = (cell(row[key]) for key in ("n", "2n", "gain"))
            about = [name, str(row["classes"]), f"{row['images']} ({row['patients']})"]
            lines.append([*about, *figures, "taken" if name in found else ""])
    header = ["set", "classes", "training images (patients)", "N", "2N", "gain", ""]
    notes = ["AUROC, macro; logistic regression on image statistics and small pixels,"]
    notes += [f"{FOLD_NOTE}; the sets with the highest lower end of the gain are taken."]
    return Table("Choice of sets, on training rows alone", header, lines, notes)


FOLD_NOTE = "cross-validated by patient, with half of the other patients (N) and with all (2N)"


def _table(name: str, row: Row) -> Table:
    data, made = row["table"], row["generator"]
    lines = []
    for line in data["rows"]:
        scores, real = line["scores"], line["real"]
        spread = scores["auroc"]["sd_over_seeds"]
        marks = (["control"] if line["control"] else []) + ([line["saw"]] if line["saw"] else [])
        lines.append(
            [
                line["design"],
                f"{real['images']} ({real['patients']})" if real else "–",
                str(line["synthetic"]["images"]) if line["synthetic"] else "–",
                *(cell(scores[key]) for key in ("auroc", "average_precision")),
                cell(scores["balanced_accuracy"]),
                "–" if spread is None else f"{spread:.3f}",
                cell(line["differences"].get(data["baseline"], {}).get("auroc")),
                ", ".join(marks),
            ]
        )
    header = ["trained on", "real (patients)", "synthetic", "AUROC", "average precision"]
    header += ["balanced accuracy", "SD of AUROC over seeds", "AUROC minus real N", "mark"]
    test, fitting = data["test"], data["fitting"]
    notes = [
        verdict(data),
        f"Test: {test['images']} real images of {test['patients']} other patients; "
        f"{len(data['classes'])} classes; {fitting['classifier']}, "
        f"{fitting['steps']} steps of {fitting['batch_size']}, {len(data['seeds'])} seeds.",
        f"Generator: {row['size']} pixels, {made['parameters'] / 1e6:.1f} M parameters; learnt "
        f"from {made['training_images']} images of N, the rest of N chose the step: codec "
        f"{made['codec']['best_step']} of {made['codec']['step']}, flow "
        f"{made['flow']['best_step']} of {made['flow']['step']}; {made['views']:,} views each.",
        *_subgroup_notes(data),
    ]
    return Table(f"{name}: classifiers tested on real patients", header, lines, notes)


def verdict(data: Mapping[str, Any]) -> str:
    """The rules 2 to 4 of the script's docstring, applied."""
    rows = {row["design"]: row for row in data["rows"]}
    base = data["baseline"]
    if helps(rows[SHUFFLED]["differences"][base]["auroc"]):
        return "CONTROL FAILED: synthetic images with shuffled labels help."
    found = rows[MIXED]["differences"]
    parts = ["helps" if all(helps(found[n]["auroc"]) for n in (base, LONGER)) else "no help shown"]
    if found[base]["auroc"]["high"] < 0:
        parts = ["harms"]
    if not helps(rows[DOUBLE]["differences"][base]["auroc"]):
        parts.append("real 2N is itself not shown to be better than N, so nothing is said of it")
    else:
        low = found[DOUBLE]["auroc"]["low"]
        worth = "worth twice the data" if low > -MARGIN else "not shown to be worth twice the data"
        parts.append(f"{worth} ({cell(found[DOUBLE]['auroc'])} to real 2N, margin {MARGIN:g})")
    return f"Real N + synthetic: {'; '.join(parts)}."


def _subgroup_notes(data: Mapping[str, Any]) -> list[str]:
    rows = [row for row in data["subgroups"] if row.get("design") == MIXED]
    said = [
        f"{row['attribute']} {row['level']} {cell(row['score'])}, gap {cell(row['gap'])}, "
        f"minus real N {cell(row['change'])}"
        for row in rows
    ]
    return [f"Subgroups, {MIXED}, AUROC: {'; '.join(said)}."] if said else []
