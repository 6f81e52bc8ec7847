"""The table of `translate_use`, and its verdicts by the rules that were set beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.common import Row, Table
from benchmarks.translate_truth_tables import NONE as DASH
from benchmarks.translate_truth_tables import cell, verdict

DEPTH = 0.45
NONE, IDENTITY, FLOOR = "no translation", "identity", "floor: mean mask of the renders"
HISTOGRAM, GAN = "histogram matching", "CycleGAN"
SDEDIT = f"SDEdit, depth {DEPTH:g}"
OURS, KEPT = f"ours, depth {DEPTH:g}", f"ours, detail kept, depth {DEPTH:g}"
CONTROL = f"control: {OURS}, masks shuffled"
CEILING = "ceiling: real masks of other patients"
TRANSLATED = (OURS, KEPT, SDEDIT, HISTOGRAM, GAN)
START = "use: "


def use_tables(rows: Mapping[str, Row]) -> list[Table]:
    """The table, or none as long as the row without translation is missing.

    Args:
        rows: The rows of the results file.
    """
    found = {name.removeprefix(START): row for name, row in rows.items() if name.startswith(START)}
    if NONE not in found:
        return []
    lines = [
        [
            name,
            cell(row["dice"]),
            f"{row['sd_over_seeds']:.3f}" if row.get("sd_over_seeds") is not None else DASH,
            cell(row.get("gain")),
            cell(row.get("to_ours")),
            cell(row.get("to_control")),
            _seen(row),
        ]
        for name, row in found.items()
    ]
    header = ["trained on renders of standard dose", "Dice", "SD over seeds"]
    header += ["minus no translation", "minus ours", "minus control", "images seen"]
    notes = [verdicts(found), *_about(found[NONE])]
    return [Table("The use: lungs on real chest X-rays", header, lines, notes)]


def _seen(row: Row) -> str:
    """Fewest and most images that a segmenter of this row saw."""
    views = [facts["views"] for facts in row["segmenters"]]
    return f"{min(views):,} to {max(views):,}" if views else DASH


def _about(row: Row) -> list[str]:
    found, facts = row["dice"], row["segmenters"]
    return [
        f"Test: {found['n']} real images of {found['patients']} patients with both lungs outlined; "
        f"{len(facts)} training seeds; 95 % intervals over patients and training seeds.",
        f"Training: {facts[0]['images']} renders of one CT with projected lungs (the ceiling: real "
        f"masks), MONAI UNet of {facts[0]['parameters'] / 1e6:.2f} M parameters, stopped by the "
        "Dice of validation renders of the same kind.",
        "Projected lungs reach behind heart and diaphragm, outlined ones do not: this lies in all "
        "rows but the ceiling.",
    ]


def counts(found: Mapping[str, Row]) -> str | None:
    """Why no gain counts; None if nothing is wrong with the controls."""
    if any(name not in found for name in (IDENTITY, CONTROL)):
        return "the controls are not measured yet"
    same = found[IDENTITY]["gain"]
    if (same["value"], same["low"], same["high"]) != (0, 0, 0):
        return "CONTROL FAILED: identity makes a difference"
    if verdict(found[CONTROL]["to_ours"]) != "worse":
        return "CONTROL FAILED: shuffled masks are not flagged as worse"
    return None


def verdicts(found: Mapping[str, Row]) -> str:
    """The rules of the script's docstring, applied."""
    if reason := counts(found):
        return f"{reason}; no gain counts."
    said = [f"{name}: {_said(found[name])}" for name in TRANSLATED if name in found]
    controls = (
        "Controls: identity exactly 0; shuffled masks flagged as worse than ours, "
        f"{cell(found[CONTROL]['gain'])} to no translation"
    )
    return f"{'; '.join(said)}. {controls}."


def _said(row: Row) -> str:
    """What one translation does, by both differences."""
    gain, more = verdict(row["gain"]), verdict(row["to_control"])
    words = {"worse": "harms", "not shown": "no gain shown"}.get(gain, "undefined")
    if gain == "better":
        words = "helps" if more == "better" else "helps no more than shuffled masks are shown to"
    return f"{words} ({cell(row['gain'])})"
