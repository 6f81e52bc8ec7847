"""Tables 4 and 5 of `translate`: evaluations, resolution, ablation, the dial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import Row, Table, interval
from benchmarks.translate_frame import VARIANTS


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of what is measured so far."""
    rows: Mapping[str, Row] = content["rows"]
    made = [_steps(rows), _cost(rows), _ablation(rows), _dial(rows)]
    return [table for table in made if table.lines]


def _named(rows: Mapping[str, Row], start: str) -> dict[str, Row]:
    return {name.removeprefix(start): r for name, r in rows.items() if name.startswith(start)}


def _steps(rows: Mapping[str, Row]) -> Table:
    lines = []
    for name, row in _named(rows, "steps: ").items():
        solver, inversion, budget = name.split(", ")
        cells = ["not within the budget"] + [""] * 5
        if "skipped" not in row:
            cells = [str(row["steps"]), str(row["evaluations"])]
            cells += [interval(row[key]) for key in ("realism", "ssim")]
            cells += [f"{row[key]['value']:.2g}" for key in ("error", "identity error")]
        lines.append([budget, solver, inversion, *cells])
    lines.sort(key=lambda line: int(line[0]))
    header = ["budget", "solver", "inversion", "steps each way", "evaluations", "realism"]
    header += ["SSIM to the source", "error", "identity error"]
    notes = [
        "One depth (0.45), guidance 1, the first pair of domains. Error: root mean squared "
        "difference to the same translation with 64 Heun steps each way; identity error: of source "
        "= target to the codec's round trip; pixels from -1 to 1.",
    ]
    return Table("Quality against evaluations of the network", header, lines, notes)


def _cost(rows: Mapping[str, Row]) -> Table:
    lines = []
    for row in _named(rows, "cost: ").values():
        told = row.get("rate")
        cells = ["withheld", ""]
        if told:
            low, high = told["low"], told["high"]
            each = {
                "value": 1 / told["value"],
                "low": None if low is None else 1 / high,
                "high": None if low is None else 1 / low,
            }
            cells = [interval(each), f"{33 / told['value']:.3g}"]
        lines.append([f"{row['image side']} × {row['image side']}", str(row["batch"]), *cells])
    header = ["image", "batch", "s an evaluation", "s a translation (33 evaluations)"]
    notes = ["The velocity network alone, float32; the codec is not counted."]
    return Table("Cost against resolution", header, lines, notes)


def _ablation(rows: Mapping[str, Row]) -> Table:
    lines = []
    for name, row in _named(rows, "ablation: ").items():
        lines.append(
            [
                name,
                interval(row["area"]),
                "" if row["minus base"] is None else interval(row["minus base"], 2),
                *(f"{one['value']:.2f}" for one in row["realism"]),
                *(f"{one['value']:.2f}" for one in row["ssim"]),
                f"{row['identity error']['value']:.2g}",
                f"{row['evaluations']:g}",
                "trained" if name in VARIANTS else "",
            ]
        )
    depths = ("0.8", "0.6", "0.45", "0.3", "0.15")
    header = ["variant", "area", "minus base", *(f"realism at depth {d}" for d in depths)]
    header += [*(f"SSIM at depth {d}" for d in depths), "identity error", "evaluations", ""]
    notes = [
        "First pair of domains, one thing changed at a time. Base: the model of all domains, "
        "inversion by the difference, guidance 1, multistep. Identity error: source = target at "
        "depth 0.45 to the codec's round trip, pixels from -1 to 1.",
        "trained: a network of its own, as many views, one seed each: the interval is over "
        "patients and poses, not over trainings.",
    ]
    return Table("Ablation", header, lines, notes)


def _dial(rows: Mapping[str, Row]) -> Table:
    lines = []
    for pair, row in _named(rows, "dial: ").items():
        if "skipped" in row:
            lines.append([pair, row["skipped"], "", "", "", ""])
            continue
        for name, entry in row.items():
            if "refused" in entry:
                lines.append([pair, name, entry["refused"], "", "", ""])
                continue
            cells = [interval(entry[key]) for key in ("ssim", "kid", "realism")]
            lines.append([pair, name, f"{entry['depth']:.3g}", *cells])
    header = ["pair", "asked for", "depth", "SSIM on test", "KID on test", "realism on test"]
    notes = [
        "Calibrated on validation images, measured on test images. The extractor of the "
        "calibration learnt from these validation patients, not from the test patients.",
    ]
    return Table("The dial: calibrated and fixed depth", header, lines, notes)
