"""Table 1 of `translate` and its verdicts; all margins were set beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import Row, Table, interval
from benchmarks.translate_curves import LEVELS, MARGIN

OURS = ("ours", "ours, detail kept")
SDEDIT = "SDEdit"
CONTROL = "control: ours towards a wrong domain"
MEASURES = ("cmmd", "kid", "coverage", "feature distance", "ssim")
ONE_CT = "All renders are one CT (one patient), the test poses were not trained on"


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of what is measured so far."""
    rows: Mapping[str, Row] = content["rows"]
    found = [_data(rows)] if "data" in rows else []
    pairs = dict.fromkeys(name.split(": ")[1] for name in rows if name.startswith("point: "))
    found += [_points(rows, pair) for pair in pairs]
    curves = {p: rows[f"curves: {p}"] for p in pairs if f"curves: {p}" in rows}
    found += [_curves(rows[f"curves: {p}"], p) for p in curves if "skipped" not in curves[p]]
    if "families" in rows.get("ranking", {}):
        found.append(_ranking(rows))
    return found


def _data(rows: Mapping[str, Row]) -> Table:
    row, model = rows["data"], rows.get("model", {})
    lines = []
    for domain, splits in row["counts"].items():
        cells = [f"{splits[s]['images']} ({splits[s]['groups']})" for s in ("train", "val", "test")]
        lines.append([domain, *cells, str(row["judged"].get(domain, ""))])
    notes = [
        f"{ONE_CT}: its groups are poses, and intervals over poses say nothing of other patients.",
        f"Judged by {row['extractor']}; {row['overlap of the extractor']}. Model: "
        f"{row['overlap of the model']}.",
    ]
    if model:
        flow = model["flow"]
        notes.append(
            f"One model of all domains: {model['parameters'] / 1e6:.1f} M parameters, "
            f"{model['views']:,} image views, step {flow['best_step']} of {flow['step']} kept."
        )
    scales = [
        f"{family} {rows[f'choice: {family}']['chosen']:g}"
        for family in (OURS[0], SDEDIT)
        if f"choice: {family}" in rows
    ]
    if scales:
        notes.append(f"Guidance, chosen on validation images by area: {', '.join(scales)}.")
    header = ["domain", "train: images (groups)", "val", "test", "judged"]
    return Table("Domains of one model", header, lines, notes)


def seconds(rows: Mapping[str, Row], family: str) -> str:
    """Seconds an image of a family, with interval; "" where nothing is timed."""
    row = rows.get(f"time: {family}", {})
    if "rate" not in row:
        return "withheld" if "withheld" in row else ""
    told = row["rate"]
    if told["low"] is None:
        return f"{1 / told['value']:.2g}"
    return f"{1 / told['value']:.2g} [{1 / told['high']:.2g}, {1 / told['low']:.2g}]"


def _points(rows: Mapping[str, Row], pair: str) -> Table:
    start, lines = f"point: {pair}: ", []
    for name, row in rows.items():
        if not name.startswith(start):
            continue
        family = row.get("family", "")
        lines.append(
            [
                name.removeprefix(start),
                *(interval(row[m]) if m in row else "" for m in MEASURES),
                seconds(rows, family),
                f"{row['evaluations']:g}" if "evaluations" in row else "",
                f"{row['parameters'] / 1e6:.2f} M" if row.get("parameters") else "",
            ]
        )
    header = ["method", "CMMD", "KID", "coverage", "feature distance", "SSIM to the source"]
    header += ["s/image", "evaluations", "parameters"]
    some = next((row for name, row in rows.items() if name.startswith(start) and "ssim" in row), {})
    notes = [
        "CMMD, KID (lower is better) and coverage (higher) to the target's real test images; "
        "feature distance (lower) and SSIM (higher) to the source; CMMD and KID on "
        f"{rows['data']['extractor'] if 'data' in rows else 'one extractor'}, so they compare "
        "within this table only.",
    ]
    if some:
        notes.append(f"{some['ssim']['n']} sources, {some['n_real']} images of the target.")
    return Table(f"{pair}: every method", header, lines, notes)


def _curves(row: Row, pair: str) -> Table:
    lines = []
    order = sorted(row["families"].items(), key=lambda item: -item[1]["area"]["value"])
    for family, entry in order:
        against = [row["compared"][base].get(family) for base in OURS]
        lines.append(
            [
                family,
                str(entry["settings"]),
                interval(entry["area"]),
                *(f"{height['value']:.2f}" for height in entry["heights"][1::2]),
                *(interval(one["area"], 2) if one else "" for one in against),
            ]
        )
    header = ["method", "settings", "area", *(f"at {level:g}" for level in LEVELS[1::2])]
    header += [f"{base} minus this" for base in OURS]
    return Table(f"{pair}: realism-structure curves", header, lines, verdicts(row))


def verdicts(row: Row) -> list[str]:
    """What is claimed of one pair, if its control worked."""
    notes = []
    for base in OURS:
        compared = row["compared"][base]
        if not (flagged := compared[CONTROL]["other"].startswith("worse")):
            notes.append(f"CONTROL FAILED: {base} is not found better than a wrong domain.")
        against = compared[SDEDIT]
        notes.append(
            f"{base[0].upper()}{base[1:]} against SDEdit at {len(LEVELS)} levels of structure: "
            f"{against['ours']}; area {interval(against['area'], 2)} "
            f"({'the control is flagged' if flagged else 'counts for nothing'})."
        )
        over = [
            family
            for family, one in compared.items()
            if one["other"] == "dominates" and family not in (CONTROL,)
        ]
        which = ", ".join(over) if over else "no method's"
        notes.append(f"Curves that dominate {base}: {which}.")
    notes.append(
        f"Dominates: above at every level by the whole 95 % interval (each level by itself); no "
        f"worse: nowhere below by more than {MARGIN:g}."
    )
    return notes


def _ranking(rows: Mapping[str, Row]) -> Table:
    row = rows["ranking"]
    lines = [
        [
            str(rank),
            family,
            interval(entry["area"]),
            f"{entry['mean rank']:.1f}",
            "" if family == OURS[0] else interval(entry["minus ours"], 2),
        ]
        for rank, (family, entry) in enumerate(row["families"].items(), start=1)
    ]
    notes = [
        f"Mean area over {', '.join(row['pairs'])}; the same blocks of patients and poses are left "
        "out of all pairs at once. Area: what a method's settings dominate beside structure 0 and "
        "realism 0; a method with one setting has one rectangle.",
    ]
    both = row["families"]
    if SDEDIT in both:
        gap = both[SDEDIT]["minus ours"]
        notes.append(
            f"SDEdit minus ours: {interval(gap, 2)} of an area of 1; mean rank "
            f"{both[OURS[0]]['mean rank']:.1f} (ours) against {both[SDEDIT]['mean rank']:.1f}."
        )
    header = ["rank", "method", "mean area", "mean rank", "minus ours"]
    return Table("Ranking by area, each method once", header, lines, notes)
