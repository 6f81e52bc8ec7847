"""What the report shows of a utility table: tables, lights with their rules, plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthmed.evaluation.sections import Light, Plot, State, Table
from synthmed.evaluation.utility_parts.seen import OTHERS, UNKNOWN

METRICS = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
}
ADDED_RULE = (
    "The first row that adds synthetic to all real images, chosen before anything is measured: its "
    "AUROC minus real alone, and minus real trained twice as long. Green: both 95 % intervals lie "
    "above zero, shuffled synthetic labels do not help, and the generator is known to have seen no "
    "more of the real set than the row. Red: the first interval lies below zero. Amber: otherwise. "
    "Grey: real images alone do not beat chance."
)
SUBGROUP_RULE = (
    "AUROC of the same row within each subgroup, minus real alone. Green: every subgroup's "
    "interval lies above zero. Red: one lies below zero. Amber: otherwise. Grey: no subgroup is "
    "large enough, or real images alone do not beat chance."
)


def cell(found: Mapping[str, Any] | None) -> str:
    """A value with its interval, as `0.812 [0.75, 0.86]`; a dash where it is undefined."""
    if not found or found.get("value") is None:
        return "–"
    if found.get("low") is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def utility_tables(name: str, data: Mapping[str, Any]) -> list[Table]:
    """The table of designs and, where there are any, that of subgroups.

    Args:
        name: Of the task.
        data: What `utility_table` gave.
    """
    base, test = data["baseline"], data["test"]
    lines = [_line(row, base) for row in data["rows"]]
    header = ["trained on", "real (patients)", "synthetic", *METRICS.values()]
    header += ["SD of AUROC over seeds", f"AUROC minus {base}", "mark"]
    fitting = data["fitting"]
    notes = [
        f"Tested on {test['images']} real images of {test['patients']} other patients "
        f"({', '.join(f'{k} {v}' for k, v in test['by_class'].items())}).",
        f"{fitting['classifier']}, {fitting['steps']} steps of {fitting['batch_size']} images in "
        f"every row but the one trained twice as long; mean of {len(data['seeds'])} seeds.",
        "Brackets: 95 % intervals over test patients and seeds; differences are paired in both.",
    ]
    if any(row["saw"] for row in data["rows"]):
        notes.append("Mark: what the generator saw beyond the row's real images.")
    tables = [Table(f"Classifiers of {name}, tested on real images", header, lines, notes)]
    return tables + _subgroups(name, data)


def added_rows(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows that add synthetic images to all images of the baseline, controls left out."""
    base = next(row for row in data["rows"] if row["design"] == data["baseline"])
    return [
        row
        for row in data["rows"]
        if not row["control"]
        and row["synthetic"]
        and row["real"]
        and (row["real"]["set"], row["real"]["fraction"])
        == (base["real"]["set"], base["real"]["fraction"])
    ]


def utility_lights(name: str, data: Mapping[str, Any]) -> list[Light]:
    """Is it worth adding the synthetic images, for all and for every subgroup?

    Args:
        name: Of the task.
        data: What `utility_table` gave.
    """
    titles = (f"Synthetic added to real: {name}", f"No subgroup loses: {name}")
    rows = added_rows(data)
    base = next(row for row in data["rows"] if row["design"] == data["baseline"])
    low = base["scores"]["auroc"]["low"]
    if low is None or low <= 0.5 or not rows:
        why = "no row adds synthetic images" if not rows else "real images alone do not beat chance"
        why += f" (AUROC {cell(base['scores']['auroc'])})"
        rules = (ADDED_RULE, SUBGROUP_RULE)
        return [Light(t, "grey", r, why) for t, r in zip(titles, rules, strict=True)]
    return [
        Light(titles[0], _added(rows[0], data), ADDED_RULE, _added_reason(rows[0], data)),
        _subgroup_light(titles[1], rows[0]["design"], data),
    ]


def helps(found: Mapping[str, Any] | None) -> bool:
    """Whether a difference's whole interval lies above zero."""
    return bool(found and found.get("low") is not None and found["low"] > 0)


def harms(found: Mapping[str, Any] | None) -> bool:
    """Whether a difference's whole interval lies below zero."""
    return bool(found and found.get("high") is not None and found["high"] < 0)


def utility_plots(key: str, name: str, data: Mapping[str, Any]) -> list[Plot]:
    """Bars of AUROC by design."""
    rows = [row for row in data["rows"] if row["scores"]["auroc"]["low"] is not None]
    scores = [row["scores"]["auroc"] for row in rows]
    bars = {
        "labels": [row["design"] for row in rows],
        "series": {"AUROC": [s["value"] for s in scores]},
        "intervals": {"AUROC": [[s["low"], s["high"]] for s in scores]},
    }
    caption = "Tested on real images of other patients; mean over seeds, 95 % intervals."
    return [Plot(key, f"AUROC of {name} by training images", caption, "bars", bars)]


def _line(row: Mapping[str, Any], base: str) -> list[str]:
    real, made, scores = row["real"], row["synthetic"], row["scores"]
    spread = scores["auroc"]["sd_over_seeds"]
    difference = row["differences"].get(base, {}).get("auroc")
    marks = ["control"] if row["control"] else []
    return [
        row["design"],
        f"{real['images']} ({real['patients']})" if real else "–",
        str(made["images"]) if made else "–",
        *(cell(scores[metric]) for metric in METRICS),
        "–" if spread is None else f"{spread:.3f}",
        cell(difference),
        ", ".join([*marks, *([row["saw"]] if row["saw"] else [])]),
    ]


def _subgroups(name: str, data: Mapping[str, Any]) -> list[Table]:
    if not data["subgroups"]:
        return []
    lines: list[Sequence[str]] = []
    for row in data["subgroups"]:
        about = [f"{row['attribute']}: {row['level']}", f"{row['images']} ({row['patients']})"]
        if "not_measurable" in row:
            lines.append([*about, row["not_measurable"], "", "", ""])
        else:
            figures = (cell(row[key]) for key in ("score", "gap", "change"))
            lines.append([*about, row["design"], *figures])
    header = ["subgroup", "test images (patients)", "trained on", "AUROC"]
    header += ["gap to the rest", f"minus {data['baseline']}"]
    return [Table(f"Classifiers of {name}, by subgroup", header, lines)]


def _added(row: Mapping[str, Any], data: Mapping[str, Any]) -> State:
    base = data["baseline"]
    if harms(row["differences"][base]["auroc"]):
        return "red"
    controls = [other["differences"][base]["auroc"] for other in data["rows"] if other["shuffled"]]
    longer = [other["design"] for other in data["rows"] if other["control"] > other["shuffled"]]
    better = all(helps(row["differences"][name]["auroc"]) for name in (base, *longer))
    passed = controls and longer and not any(map(helps, controls))
    fair = row["saw"] in ("", OTHERS)
    return "green" if better and passed and fair else "amber"


def _added_reason(main: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    parts = [
        f"{main['design']} minus {name}: {cell(found['auroc'])}"
        for name, found in main["differences"].items()
    ]
    parts += [
        f"{row['design']}: {cell(row['differences'][data['baseline']]['auroc'])}"
        for row in data["rows"]
        if row["shuffled"]
    ]
    saw = main["saw"] if main["saw"] in ("", UNKNOWN) else f"the generator {main['saw']}"
    return "; ".join([*parts, *([saw] if saw else [])])


def _subgroup_light(title: str, design: str, data: Mapping[str, Any]) -> Light:
    rows = [row for row in data["subgroups"] if row.get("design") == design and row["change"]]
    rows = [row for row in rows if row["change"]["low"] is not None]
    if not rows:
        return Light(title, "grey", SUBGROUP_RULE, "no subgroup is large enough")
    state: State = "amber"
    if any(harms(row["change"]) for row in rows):
        state = "red"
    elif all(helps(row["change"]) for row in rows):
        state = "green"
    worst = min(rows, key=lambda row: row["change"]["value"])
    level = f"{worst['attribute']} {worst['level']}"
    reason = f"{design}, {len(rows)} subgroups; the lowest change: {level} {cell(worst['change'])}"
    return Light(title, state, SUBGROUP_RULE, reason)
