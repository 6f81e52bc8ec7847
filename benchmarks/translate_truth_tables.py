"""The tables of `translate_truth`, and its verdicts by the rules that were set beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.common import Row, Table, interval

TITLES = {
    "truth: brain MRI": "brain MRI, pre-contrast to FLAIR",
    "truth: two doses": "renders of one CT, low to standard dose",
    "truth: one head": "SMOKE ONLY: one head, T1 to proton density (never quoted)",
}
GAN = ", CycleGAN"
NAMES = {"psnr": "PSNR", "ssim": "SSIM", "dice": "lesion Dice"}
NONE = "–"


def truth_tables(rows: Mapping[str, Row]) -> list[Table]:
    """Two tables a task: the scores, and ours minus each other family.

    Args:
        rows: The rows of the results file; those that are missing are left out.
    """
    found = []
    for name, title in TITLES.items():
        if name in rows:
            row, gan = rows[name], rows.get(name + GAN)
            found += [_scores(title, row, gan), _differences(title, row, gan)]
    return found


def verdict(difference: Mapping[str, Any] | None) -> str:
    """Say "better", "worse" or "not shown": where the whole interval of a difference lies."""
    if difference is None or difference.get("low") is None:
        return "undefined"
    if difference["low"] > 0:
        return "better"
    return "worse" if difference["high"] < 0 else "not shown"


def control_holds(row: Row) -> bool:
    """Whether another's true image is flagged as worse in SSIM."""
    return verdict(row["control"].get("ssim")) == "worse"


def _lines(row: Row, gan: Row | None) -> list[Row]:
    """The lines of both rows; CycleGAN's row repeats ours and identity, which are left out."""
    extra = [] if gan is None else [line for line in gan["lines"] if line["family"] == "CycleGAN"]
    return [*row["lines"], *extra]


def _scores(title: str, row: Row, gan: Row | None) -> Table:
    lesions = any("dice" in line for line in row["lines"])
    header = ["method", "PSNR (dB)", "SSIM", "SSIM minus identity"]
    header += ["lesion Dice", "kept", "invented"] if lesions else []
    header += ["evaluations", "parameters (M)", ""]
    table = []
    for line in _lines(row, gan):
        cells = [line["method"], *_cells(line, lesions, line["to_identity"].get("ssim"))]
        cells += [f"{line['evaluations']:g}", f"{line['parameters'] / 1e6:.1f}"]
        table.append([*cells, "taken" if line["chosen"] else ""])
    for name, scores in row["extremes"].items():
        if scores:
            label = "the truth itself (ceiling)" if name == "truth" else f"control: {name}"
            table.append([label, *_cells(scores, lesions, None), NONE, NONE, ""])
    return Table(f"Truth known: {title}", header, table, _notes(row, lesions))


def _cells(scores: Mapping[str, Any], lesions: bool, to_identity: Any) -> list[str]:
    cells = [cell(scores.get("psnr")), cell(scores.get("ssim")), cell(to_identity)]
    return cells + ([cell(scores.get(k)) for k in ("dice", "kept", "invented")] if lesions else [])


def _notes(row: Row, lesions: bool) -> list[str]:
    notes = [
        f"{row['n']} images of {row['groups']} groups (patients; of renders: poses of one "
        f"patient); depths chosen on {row['n_choosing']} other images; means with 95 % "
        "bootstrap intervals over groups.",
    ]
    if "training" in row:
        seen = ", ".join(f"{name} {count}" for name, count in row["training"].items())
        notes.append(f"Training images, unpaired: {seen}.")
    if lesions and "segmenters" in row:
        views = ", ".join(f"{one['views']:,}" for one in row["segmenters"])
        dices = ", ".join(f"{one['validation_dice']:.3f}" for one in row["segmenters"])
        notes.append(
            f"Lesions by {len(row['segmenters'])} segmenters (MONAI UNet, "
            f"{row['segmenters'][0]['parameters'] / 1e6:.2f} M parameters), trained on real FLAIR "
            f"slices of other patients: {views} images seen, stopped by validation Dice {dices}."
        )
    return notes


def _differences(title: str, row: Row, gan: Row | None) -> Table:
    lines = list(row["compared"])
    if gan is not None:
        lines += [line for line in gan["compared"] if line["other"].startswith("CycleGAN")]
    scores = [key for key in NAMES if any(key in line["differences"] for line in lines)]
    table = [
        [line["ours"], line["other"], *(_judged(line["differences"].get(k)) for k in scores)]
        for line in lines
    ]
    return Table(
        f"Ours minus others: {title}",
        ["ours", "other", *(NAMES[key] for key in scores)],
        table,
        [_control(row), "Paired by image; 95 % intervals over groups; not corrected for number."],
    )


def _control(row: Row) -> str:
    found = row["control"]
    said = f"another's truth minus {found['than']}: SSIM {cell(found.get('ssim'))}"
    if control_holds(row):
        return f"Control flagged as worse: {said}."
    return f"CONTROL FAILED, nothing counts: {said}."


def _judged(difference: Mapping[str, Any] | None) -> str:
    return NONE if difference is None else f"{cell(difference)} {verdict(difference)}"


def cell(found: Mapping[str, Any] | None) -> str:
    """A value with its interval, or a dash."""
    return NONE if found is None else interval(found)
