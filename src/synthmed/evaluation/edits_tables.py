"""The tables and plots of the section "edits", made from its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.evaluation.edits_words import name_of
from synthmed.evaluation.judged_estimates import shown
from synthmed.evaluation.sections import Plot, Table

Data = Mapping[str, Any]
_LOCALITY = ("inside", "outside", "share", "area")
_ROWS = {
    "edits": "edits",
    "identity": "identity: each source against itself",
    "swapped": "control: another patient's edit",
}


def all_tables(data: Data) -> list[Table]:
    """Make the section's tables; those with nothing in them are left out."""
    tables = [_structure(data), _findings(data), _lesions(data), _locality(data), _prevalence(data)]
    return [table for table in tables if table.lines]


def plots(data: Data) -> list[Plot]:
    """Bars of structure kept, with identity and control, by pair of domains."""
    sets = [one for one in data["sets"] if one["structure"]["rows"]["edits"]["ssim"]]
    if not sets:
        return []
    series, intervals = {}, {}
    for row in _ROWS:
        found = [one["structure"]["rows"][row]["ssim"] for one in sets]
        series[row] = [each and each["value"] for each in found]
        intervals[row] = [each and [each["low"], each["high"]] for each in found]
    bars = {"labels": list(map(name_of, sets)), "series": series, "intervals": intervals}
    caption = (
        "Mean SSIM to the source, 95 % intervals over patients. Identity is the best there is, the"
        " edits of other patients show what is kept by chance."
    )
    return [Plot("structure", "Structure kept", caption, "bars", bars)]


def _structure(data: Data) -> Table:
    lines = []
    for one in data["sets"]:
        for row, words in _ROWS.items():
            found = one["structure"]["rows"][row]
            kept = {"edits": "kept", "swapped": "control"}.get(row)
            scale = shown(one["structure"][kept]) if kept else "1"
            lines.append(
                [
                    name_of(one),
                    words,
                    f"{one['n']} ({one['patients']})",
                    shown(found["ssim"]),
                    shown(found["gradient_correlation"]),
                    scale,
                ]
            )
    header = ["domains", "row", "n (patients)", "SSIM", "gradient correlation", "kept, 0 to 1"]
    notes = [
        "To the source. Kept: gradient correlation between that of another patient's edit (0) and"
        " that of the source itself (1); in the control row that of a third patient's edit."
    ]
    return Table("Structure of the sources", header, lines, notes)


def _findings(data: Data) -> Table:
    lines, notes = list[list[str]](), list[str]()
    for one in data["sets"]:
        for each in one["findings"]:
            if "before" not in each:
                notes.append(f"{name_of(one)}, {each['finding']}: {each['not_measurable']}")
                continue
            lines.append(
                [
                    name_of(one),
                    each["finding"],
                    str(each["n"]),
                    f"{each['before']:.2f}",
                    f"{each['after']:.2f}",
                    *(shown(each[key]) for key in ("difference", "identity", "swapped")),
                    *(shown(each[key]) for key in ("agreement", "lost", "invented")),
                ]
            )
    header = ["domains", "finding", "edits", "AUROC on sources", "on edits", "difference"]
    header += ["identity", "control: another patient's edit", "same answer", "lost", "invented"]
    left = sorted({text for one in data["sets"] for text in one["not_judged"]})
    notes += left[:10]
    return Table("Findings before and after", header, lines, notes)


def _lesions(data: Data) -> Table:
    lines = []
    for one in data["sets"]:
        found = one["lesions"]
        if found is not None:
            lines.append(
                [
                    name_of(one),
                    f"{found['visible']} of {found['masks']}",
                    *(shown(found[key]) for key in ("before", "after", "kept")),
                    *(shown(found[key]) for key in ("identity", "control")),
                ]
            )
    header = ["domains", "visible in the source", "contrast in sources", "in edits", "kept"]
    header += ["identity", "control: filled by surroundings"]
    notes = [
        "Retained local contrast within the source's mask against its surroundings: no"
        " segmentation, and no proof that it is the same lesion."
    ]
    return Table("What is masked in the sources", header, lines, notes)


def _locality(data: Data) -> Table:
    lines = [
        [name_of(one), *(shown(one["locality"][key], 3) for key in _LOCALITY)]
        for one in data["sets"]
        if one["locality"] is not None
    ]
    header = ["domains", "change inside the mask", "outside", "share inside", "area of the mask"]
    notes = [
        "Mean absolute change, of a range of 2. A change that is spread evenly has a share inside"
        " that equals the area. Identity changes nothing and has no share."
    ]
    return Table("Where edits changed the image", header, lines, notes)


def _prevalence(data: Data) -> Table:
    lines = [
        [
            name_of(one),
            str(each["label"]),
            f"{each['source']:.2f} (n {each['n_source']} {each['counted_source']})",
            f"{each['target']:.2f} (n {each['n_target']} {each['counted_target']})",
            f"{each['target'] - each['source']:+.2f} [{each['low']:+.2f}, {each['high']:+.2f}]",
            "yes" if each["named"] else "",
        ]
        for one in data["sets"]
        for each in (one["prevalence"] or [])[:10]
    ]
    header = ["domains", "label", "in the source", "in the target", "difference", "beyond the rule"]
    return Table(
        "Labels of the two domains",
        header,
        lines,
        [
            "Shares of the images that state labels. n: what the interval counts; images of groups"
            " that the generator's recipe shares between splits (a simulator's volumes) each count."
        ],
    )
