"""The tables of `generate_speed`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import Row, Table, interval
from benchmarks.quality import MARGIN, METRICS, closest_call, passes
from benchmarks.speed_variants import (
    CONTROLS,
    DIFFUSERS,
    DIFFUSERS_FILES,
    MATCHED,
    OURS,
    OURS_FILES,
)
from benchmarks.timing import ratio

TARGETS = {DIFFUSERS: 5.0, MATCHED: 1.4, DIFFUSERS_FILES: 5.0}


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    rows = content["rows"]
    return [
        speed_table(content, rows),
        parts_table(rows),
        *(quality_table(rows, metric) for metric in METRICS),
        verdict_table(rows),
    ]


def _rate(row: Mapping[str, Any]) -> str:
    if "rate" in row:
        return interval(row["rate"])
    return str(row.get("failed", "withheld" if "withheld" in row else "not yet run"))


def _times(rows: Mapping[str, Row], fast: str, slow: str) -> dict[str, Any] | None:
    a, b = rows.get(fast, {}).get("rate"), rows.get(slow, {}).get("rate")
    return ratio(a, b) if a and b else None


def speed_table(content: Mapping[str, Any], rows: Mapping[str, Row]) -> Table:
    """Baselines and ours side by side."""
    pairs = [(DIFFUSERS, OURS), (MATCHED, OURS), (DIFFUSERS_FILES, OURS_FILES)]
    lines, notes = [], []
    for slow, fast in pairs:
        times = _times(rows, fast, slow)
        names = [slow, fast]
        here = [rows.get(name, {}) for name in names]
        cells = [str(row.get("evaluations", "")) for row in here]
        gain = interval(times) if times else ""
        lines.append([*names, *cells, *map(_rate, here), gain, f"{TARGETS[slow]:g}"])
        if times:
            low = times["value"] if times["low"] is None else times["low"]
            verdict = "reached" if low >= TARGETS[slow] else "missed"
            notes.append(f"{fast} against {slow}: target {TARGETS[slow]:g} times, {verdict}.")
    own = content["settings"]["sampling"]
    how = ", ".join(f"{key} {value}" for key, value in own.items())
    images = rows.get(OURS, {}).get("images", "?")
    notes += [
        f"{images} images a side, the same prompts and noise; seed {content['settings']['seed']}.",
        f"synthmed's own settings: {how}; {rows.get(OURS, {}).get('dtype', '?')}, channels_last.",
    ]
    header = ["baseline", "ours", "evaluations: baseline", "ours", "images/s: baseline", "ours"]
    header += ["times", "target"]
    return Table("Images per second, diffusers beside synthmed", header, lines, notes)


def parts_table(rows: Mapping[str, Row]) -> Table:
    """The rows with one thing changed."""
    skip = {DIFFUSERS, MATCHED, DIFFUSERS_FILES, OURS_FILES, *CONTROLS}
    lines = []
    for name, row in rows.items():
        if name in skip or name.startswith("judged: "):
            continue
        times = _times(rows, OURS, name)
        lines.append(
            [
                name,
                str(row.get("evaluations", "")),
                str(row.get("images", "")),
                _rate(row),
                interval(times) if times else "",
            ]
        )
    notes = [
        f"Compiling took {row['compile_seconds']} s, which is not in its rate."
        for row in rows.values()
        if "compile_seconds" in row
    ]
    header = ["changed", "evaluations", "n", "images/s", "synthmed is ... times as fast"]
    return Table("What each part gains", header, lines, notes)


def quality_table(rows: Mapping[str, Row], metric: str) -> Table:
    """Distances to real test patients per type."""
    names = (DIFFUSERS, OURS, *CONTROLS)
    found = [rows.get(f"judged: {name}", {}).get("distances", {}).get(metric, {}) for name in names]
    base, ours, *controls = found
    lines = [
        [
            name,
            f"{entry['n_real']} ({entry['patients']})",
            str(entry["n"]),
            interval(base[name]),
            interval(entry),
            interval(entry["difference"], 2),
            *(interval(control[name]["difference"], 2) for control in controls),
            f"{entry['margin']:.2g}",
        ]
        for name, entry in ours.items()
        if all(name in control for control in controls)
    ]
    header = ["type", "real (patients)", "n", "diffusers", "ours", "ours - diffusers"]
    header += ["4 Euler steps - diffusers", "shuffled - diffusers", "margin"]
    title = f"{metric} to real test patients (low is good); differences from diffusers' 50 steps"
    return Table(title, header, lines)


def verdict_table(rows: Mapping[str, Row]) -> Table:
    """Who is no worse than diffusers' 50 steps, and whether the controls were found."""
    lines = []
    for name, row in rows.items():
        if name.startswith("judged: ") and name != f"judged: {DIFFUSERS}":
            calls = [closest_call(row, metric) for metric in METRICS]
            shares = [f"{share:.2f} ({kind})" for kind, share in calls]
            verdict = "no worse" if passes(row) else "fails"
            lines.append([name.removeprefix("judged: "), *shares, verdict])
    notes = [
        f"Upper end of the difference, as a share of the margin ({MARGIN:g} of the distance to the "
        "other types), for the type where it is largest: below 1 passes.",
    ]
    judged = [rows.get(f"judged: {name}") for name in (OURS, *CONTROLS)]
    if all(judged):
        ours, *controls = (passes(row) for row in judged if row)
        sound = "both controls fail, as they must"
        if any(controls):
            sound = "A CONTROL PASSES, so that this test shows nothing"
        notes.append(f"synthmed {'is no worse' if ours else 'FAILS'}; {sound}.")
    header = ["images", *METRICS, "verdict"]
    return Table("No worse than diffusers' 50 steps?", header, lines, notes)
