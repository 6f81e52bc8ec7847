"""The tables and plots of the section "alignment", made from its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.evaluation.judged_estimates import shown
from synthmed.evaluation.judged_subgroups import FEWEST
from synthmed.evaluation.judged_texts import KS
from synthmed.evaluation.sections import Plot, Table

Data = Mapping[str, Any]


def all_tables(data: Data) -> list[Table]:
    """Make the section's tables."""
    tables = [_concepts(data)]
    if "real" in data["types"]:
        tables.append(_types(data["types"]))
    if any(each["real"] for each in data["ages"]):
        tables.append(_ages(data))
    if data["subgroups"]:
        tables.append(_subgroups(data))
    if "real" in data["text_image"]:
        tables.append(_texts(data["text_image"]))
    return tables


def _concepts(data: Data) -> Table:
    lines = []
    for each in data["concepts"]:
        if each["real"]:
            numbers = [
                shown(each[name]) for name in ("real", "synthetic", "difference", "shuffled")
            ]
            judges = ", ".join(name for name, one in each["judges"].items() if one["counts"])
            lines.append([each["concept"], *numbers, judges, each["state"]])
    missing = [
        f"{each['concept']}: not measurable on this data, {each['not_measurable']}"
        for each in (*data["ages"], *data["concepts"])
        if not each["real"]
    ]
    notes = [
        "Real: judges on patients whom they have not seen, the ceiling. Shuffled: the same "
        "synthetic images under each other's prompts; it must fall to 0.5.",
        *missing[:20],
    ]
    if len(missing) > 20:
        notes.append(f"and {len(missing) - 20} more, see report.json")
    header = ["concept", "real", "synthetic", "difference", "shuffled", "judges", "verdict"]
    return Table("AUROC of judges trained on real images", header, lines, notes)


def _types(types: Data) -> Table:
    lines = [[name, shown(types[name])] for name in ("real", "synthetic", "shuffled")]
    title = f"Share taken for the right type, of {len(types['types'])} types"
    return Table(title, ["images", "accuracy"], lines)


def _ages(data: Data) -> Table:
    lines = []
    for each in data["ages"]:
        for name in ("real", "synthetic", "shuffled") if each["real"] else ():
            one = each[name]
            cells = [shown(one["error"], 1), shown(one["correlation"])]
            lines.append([each["concept"], name, *cells, each["state"]])
    header = ["concept", "images", "error (years)", "correlation", "verdict"]
    return Table("Age that was asked for against age that is seen", header, lines)


def _subgroups(data: Data) -> Table:
    lines = [
        [
            *(row[key] for key in ("concept", "attribute", "subgroup")),
            *(shown(row[key]) for key in ("real", "gap_real", "synthetic", "gap_synthetic")),
        ]
        for row in data["subgroups"]
    ]
    header = ["concept", "attribute", "subgroup", "real", "gap", "synthetic", "gap"]
    note = (
        "Gap: AUROC within the subgroup minus that of all others together. A gap of synthetic "
        f"images that real ones do not have is the generator's. Subgroups of {FEWEST} images of "
        "each answer or more; intervals are not corrected for their number."
    )
    return Table("AUROC by sex, age and source", header, lines, [note])


def _texts(found: Data) -> Table:
    lines = []
    for name in ("real", "synthetic", "shuffled"):
        one, cells = found[name], []
        for way in ("image_to_text", "text_to_image"):
            for k in KS:
                each = one[way][str(k)]
                cells.append(f"{shown(each['recall'])} (chance {each['chance']:.2f})")
        lines.append([name, shown(one["clip_score"], 1), *cells])
    ways = [f"{way} @{k}" for way in ("text of image", "image of text") for k in KS]
    note = f"{found['model']}, {found['n']} images a side. Chance depends on how many texts differ."
    return Table("CLIP score and recall@k", ["images", "CLIP score", *ways], lines, [note])


def plots(data: Data) -> list[Plot]:
    """Bars of real, synthetic and shuffled AUROC by concept."""
    able = [each for each in data["concepts"] if each["real"]]
    if not able:
        return []
    names = ("real", "synthetic", "shuffled")
    series = {name: [each[name]["value"] for each in able] for name in names}
    ends = {name: [[each[name]["low"], each[name]["high"]] for each in able] for name in names}
    bars = {"labels": [each["concept"] for each in able], "series": series, "intervals": ends}
    caption = "AUROC with 95 % intervals; real images are the ceiling, shuffled prompts the floor."
    return [Plot("concepts", "How clearly concepts are shown", caption, "bars", bars)]
