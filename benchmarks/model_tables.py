"""The tables of `model_quality`, and what counts as reached; all margins were set beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.common import Row, Table, interval
from benchmarks.estimates import inside

TYPE_ACCURACY = 0.9
MEASURABLE = 0.8
ATTRIBUTE_LOSS = 0.1
POWER = (0.5, 2.0)
COPIES = 0.05
PLANTED = 0.9
DIVERSITY = 0.7


def type_verdict(row: Row) -> str:
    """Target and control of the types' accuracy."""
    if row["real"]["value"] < TYPE_ACCURACY:
        return "not measurable"
    found = inside(row["made"], TYPE_ACCURACY, 1.0)
    return found if row["shuffled"]["low"] <= row["chance"] else f"{found}, CONTROL ABOVE CHANCE"


def attribute_verdict(row: Row) -> str:
    """Target and control of one judge of an attribute."""
    if row["real"]["value"] < MEASURABLE:
        return "not measurable"
    found = inside(row["loss"], -1.0, ATTRIBUTE_LOSS)
    found = f"{found}, no better than chance" if row["made"]["low"] <= 0.5 else found
    return found if row["shuffled"]["low"] <= 0.5 else f"{found}, CONTROL ABOVE CHANCE"


def copies_verdict(row: Row) -> str:
    """Target and control of the copies."""
    if row["planted_codec"]["value"] < PLANTED:
        return "the test misses planted copies"
    return inside(row["made"], 0.0, COPIES)


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    rows: Mapping[str, Row] = content["rows"]
    return [
        _types(_of("type", rows)),
        _attributes(_of("attribute", rows)),
        *(_distances(_of("kid", rows), extractor) for extractor in ("statistics", "judge")),
        _power(_of("power", rows)),
        _copies(_of("copies", rows)),
        _diversity(_of("diversity", rows)),
    ]


def _of(kind: str, rows: Mapping[str, Row]) -> dict[str, Row]:
    """The measured rows of a kind, by what they are about."""
    start = f"{kind}: "
    return {name.removeprefix(start): row for name, row in rows.items() if name.startswith(start)}


def _types(rows: Mapping[str, Row]) -> Table:
    lines = [
        [
            name,
            f"{row['real']['n']} ({row['patients']})",
            interval(row["real"], 2),
            interval(row["codec"], 2),
            str(row["made"]["n"]),
            interval(row["made"], 2),
            interval(row["shuffled"], 2),
            f"{row['chance']:.2f}",
            type_verdict(row),
        ]
        for name, row in rows.items()
    ]
    header = ["type", "real (patients)", "real", "test through the codec", "n", "made"]
    header += ["prompts shuffled", "chance", f"target {TYPE_ACCURACY:g}"]
    notes = [
        "The judge was trained on val rows; real: train and test rows, all unseen by the judge."
    ]
    return Table(
        "Share of images that the judge takes for the type of their prompt", header, lines, notes
    )


def _attributes(rows: Mapping[str, Row]) -> Table:
    lines = []
    for name, row in rows.items():
        if "skipped" in row:
            lines.append([name, row["skipped"], *[""] * 8])
            continue
        for judge in ("own", "train"):
            one = row[judge]
            cells = [
                interval(one[side], 2) for side in ("real", "codec", "made", "shuffled", "loss")
            ]
            real = f"{one['real']['n']} ({row['patients']})"
            lines.append([name, judge, real, *cells[:2], str(one["made"]["n"]), *cells[2:]])
            lines[-1].append(attribute_verdict(one))
            name = ""
    header = ["attribute", "judge", "real (patients)", "real", "through the codec", "n", "prompts"]
    header += ["prompts shuffled", "real - prompts", f"target: at most {ATTRIBUTE_LOSS:g} lost"]
    notes = [
        "AUROC. Judge own: cross-fitted on val and test patients, whom the generator was not",
        "trained on. Judge train: trained on the generator's own training rows, so it would also",
        "recognise what the generator has memorised; its real images are val and test rows, too.",
        f"Where the judge stays below {MEASURABLE:g} on real images: not measurable on this data.",
        *dict.fromkeys(row["note"] for row in rows.values() if row.get("note")),
    ]
    return Table("Attributes: does the image show what the prompt says?", header, lines, notes)


def _distances(rows: Mapping[str, Row], extractor: str) -> Table:
    lines = [
        [
            name,
            f"{row['n_real']} ({row['patients']})",
            str(row["n"]),
            *(interval(row[extractor][side]) for side in ("made", "real", "codec", "blurred")),
        ]
        for name, row in rows.items()
    ]
    header = ["type", "real test (patients)", "n", "made", "real train", "its codec", "its blur"]
    notes = ["All to the real test images, at n images; real train rows are of other patients."]
    return Table(f"KID, features: {extractor} (low is good)", header, lines, notes)


def _power(rows: Mapping[str, Row]) -> Table:
    lines = [
        [
            name,
            str(row["made"]["n"]),
            *(interval(row[side]) for side in ("made", "codec", "blurred")),
            inside(row["made"], *POWER),
        ]
        for name, row in rows.items()
    ]
    header = ["type", "n", "made", "through the codec", "blurred"]
    header += [f"target {POWER[0]:g} to {POWER[1]:g}"]
    return Table("Power above half the Nyquist frequency, over real test images", header, lines)


def _copies(rows: Mapping[str, Row]) -> Table:
    sides = ("made", "false_alarms", "planted", "planted_codec")
    lines = [
        [
            name,
            str(row["n_train"]),
            str(row["false_alarms"]["n"]),
            str(row["made"]["n"]),
            *(interval(row[side], 2) for side in sides),
            copies_verdict(row),
        ]
        for name, row in rows.items()
    ]
    header = [
        "type",
        "train",
        "hold-out",
        "n",
        "copies",
        "false alarms on hold-out",
        "planted found",
    ]
    header += ["planted, codec, found", f"target: at most {COPIES:g}"]
    notes = ["Threshold from the hold-out images; planted: augmented training images."]
    return Table("Copies of training images", header, lines, notes)


def _diversity(rows: Mapping[str, Row]) -> Table:
    lines: list[Sequence[str]] = []
    for name, row in rows.items():
        if "skipped" in row:
            lines.append([name, row["skipped"], "", ""])
            continue
        found = inside(row["judge"], DIVERSITY, 10.0)
        lines.append([name, interval(row["pixels"], 2), interval(row["judge"], 2), found])
    header = ["type", "pixels", "judge's features", f"target {DIVERSITY:g} (judge's features)"]
    title = "Distance of two images of one prompt, over that of two real patients of one caption"
    return Table(title, header, lines)
