"""Does what `synthmed export` writes open elsewhere, with the same pixels?

What it shows, and how to read it:

For each format and each kind of image (generated, edited, real; grey, RGB; 8, 16 bits) the exported
files are opened by other people's software: pydicom, dcmtk (dcmdump, dcm2pnm), dicom3tools
(dciodvfy), SimpleITK, nibabel, Pillow, datasets, webdataset. "Opened" means without an error and
with every pixel equal to the dataset's; for dcmdump and dciodvfy, without an error. A cell counts
images: good / all; "refused" is a kind of image that the format cannot hold and that the export
lists in rejected.csv; "-" is a check that does not apply or whose software is not here.

Controls: every check must flag a file that is wrong: one grey level (of 256) changed in one pixel
(checks of pixels), a file cut short (dcmdump), an object without a required attribute (dciodvfy). A
control that passes means that the check shows nothing.

Three limits of the readers: dciodvfy of 2022 does not know Synthetic Data (0008,001C), and that one
error is left out; Pillow, and with it datasets, cuts 16-bit colour to its high 8 bits, and those
are compared; dcm2pnm without a JPEG 2000 plugin reads none of these files, and the table says so.

    python -m benchmarks.export_conformance --profile smoke    # a minute: one image a kind
    python -m benchmarks.export_conformance --profile cpu      # twenty images a kind
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Results, Row, Table, parse, run, say, show
from benchmarks.export_checks import (
    FILE_CHECKS,
    FOLDER_CHECKS,
    NEEDS,
    Levels,
    missing,
    same_pixels,
)
from synthmed.datasets import read_dataset
from synthmed.datasets.exporters import export
from synthmed.datasets.exporters.pixels import read_levels
from synthmed.datasets.rows import Row as DatasetRow
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.imaging.spec import ImageSpec, spec_8bit

NAME = "export_conformance"
IMAGES = {"smoke": 1, "cpu": 20, "gpu": 20}  # of each kind
SPACED = {"spacing": (0.2, 0.2)}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("png", {}),
    "png, 8 bits": ("png", {"bits": 8}),
    "png, 16 bits": ("png", {"bits": 16}),
    "dicom, sc": ("dicom", {}),
    "dicom, sc, RLE": ("dicom", {"compress": "rle"}),
    "dicom, sc, JPEG 2000": ("dicom", {"compress": "jpeg2000"}),
    "dicom, cr": ("dicom", {"sop": "cr"}),
    "dicom, dx": ("dicom", {"sop": "dx", **SPACED}),
    "dicom, ct": ("dicom", {"sop": "ct", **SPACED}),
    "dicom, mr": ("dicom", {"sop": "mr", **SPACED}),
    "nifti": ("nifti", {"volumes": False}),
    "parquet": ("parquet", {}),
    "webdataset": ("webdataset", {}),
}


def write_images(out: Path, count: int, change: int = 0) -> Path:
    """Make a dataset of `count` images a kind; `change` raises a level by so many 256ths."""
    writer = DatasetWriter(out, spec_8bit(3, "PNG"))
    for kind in ("generated", "edited", "real"):
        for channels, bits in ((1, 8), (1, 16), (3, 8), (3, 16)):
            for number in range(count):
                rng = np.random.default_rng([number, channels, bits, *kind.encode()])
                top = 2**bits - 1
                levels = rng.integers(0, top + 1, (channels, 60, 52))
                step = top // 255  # seen in 8 bits too
                levels[0, 7, 9] = min(levels[0, 7, 9], top - step) + change * step
                name = f"{kind}_{'grey' if channels == 1 else 'RGB'}_{bits}_{number}.png"
                row = DatasetRow(Path(name), name, "train", f"{kind}:{number // 2}")
                row.modality, row.body_part, row.view = "X-ray", "chest", "PA"
                row.image_type, row.age, row.sex = "chest X-ray", 50.0 + number, "F"
                if kind != "real":
                    row.extra = {"synthetic": True, "prompt": "chest X-ray", "seed": number}
                    row.extra |= {"generator": "made", "generator_hash": "00" * 32}
                if kind == "edited":
                    row.extra |= {"source_file": name, "derived_from_patient": True}
                half = top / 2
                spec = ImageSpec(channels, bits, half, half, "stored value", "PNG")
                writer.add(row, levels * (2.0 / top) - 1.0, spec=spec)
    writer.finish()
    return out


def levels_of(folder: Path) -> dict[str, Levels]:
    """The stored levels of a dataset by image name."""
    return {Path(r.file_name).stem: read_levels(r.file)[0] for r in read_dataset(folder).rows}


def wanted(levels: Levels, options: dict[str, Any]) -> Levels:
    """The levels that an export must hold: the dataset's, or those of the asked depth."""
    bits = options.get("bits")
    if bits == 8 and levels.dtype == np.uint16:
        return np.rint(levels / 257.0).astype(np.uint8)
    return (
        levels.astype(np.uint16) * np.uint16(257)
        if (bits == 16 and levels.dtype == np.uint8)
        else levels
    )


def check_variant(data: Path, truth: dict[str, Levels], work: Path, variant: str) -> Row:
    """Export a dataset and check every file.

    Args:
        data: The dataset.
        truth: The levels that the files must hold, by image name.
        work: An empty folder.
        variant: A key of `VARIANTS`.

    Returns:
        `good` and `all` images by check and kind, the first reason by check, the kinds refused.
    """
    format, options = VARIANTS[variant]
    out = work / "out"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = export(data, format, out, **options)
    row: Row = {"checks": {}, "reasons": {}}
    refused = {Path(name).stem.rsplit("_", 1)[0] for name, _ in result.rejected}
    row["refused"] = sorted(refused)
    order = [
        r
        for r in read_dataset(data).rows
        if r.file_name not in {Path(name).name for name, _ in result.rejected}
    ]
    if format in FOLDER_CHECKS:
        name, images = FOLDER_CHECKS[format]
        if not missing(name):
            for file_name, found in images(out):
                stem = Path(file_name).stem
                _count(row, name, stem, same_pixels(found, truth[stem]))
        return row
    with open(out / "metadata.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for source, line in zip(order, lines, strict=True):
        stem = Path(source.file_name).stem
        for name, check in FILE_CHECKS[format].items():
            if not missing(name):
                levels = wanted(truth[stem], options)
                _count(row, name, stem, check(out / line["file_name"], levels))
    return row


def _count(row: Row, check: str, stem: str, reason: str) -> None:
    kind = stem.rsplit("_", 1)[0]
    counts = row["checks"].setdefault(check, {}).setdefault(kind, {"good": 0, "all": 0})
    counts["all"] += 1
    counts["good"] += not reason
    if reason:
        row["reasons"].setdefault(check, reason)


def control(data: Path, truth: dict[str, Levels], work: Path, variant: str) -> Row:
    """Check a wrong export: another pixel, and for the parsers a file that is cut or incomplete."""
    row = check_variant(data, truth, work, variant)
    if VARIANTS[variant][0] == "dicom":
        import pydicom

        file = next((work / "out").rglob("*.dcm"))
        whole = file.read_bytes()
        (work / "cut.dcm").write_bytes(whole[: len(whole) // 2])
        incomplete = pydicom.dcmread(file)
        for keyword in ("ConversionType", "KVP", "Modality"):
            incomplete.pop(keyword, None)
        incomplete.save_as(work / "incomplete.dcm")
        for name, broken in (("dcmdump", "cut.dcm"), ("dciodvfy", "incomplete.dcm")):
            if not missing(name):
                row["checks"][name] = {}
                reason = FILE_CHECKS["dicom"][name](work / broken, np.zeros((1, 1, 1)))
                _count(row, name, "broken_0", reason)
    return row


def tables(content: dict[str, Any]) -> list[Table]:
    """The table of the checks, and that of the controls."""
    kinds = [
        f"{kind}_{c}_{b}"
        for kind in ("generated", "edited", "real")
        for c in ("grey", "RGB")
        for b in (8, 16)
    ]
    lines, controls, notes = [], [], set()
    for name, row in content["rows"].items():
        if name.startswith("control: "):
            for check, found in row["checks"].items():
                flagged = sum(c["all"] - c["good"] for c in found.values())
                every = sum(c["all"] for c in found.values())
                verdict = "yes" if flagged == every else "NO"
                controls.append(
                    [name.removeprefix("control: "), check, f"{flagged}/{every}", verdict]
                )
            continue
        for kind in kinds:
            cells = []
            for check in NEEDS:
                counts = row["checks"].get(check, {}).get(kind)
                cells.append("-" if counts is None else f"{counts['good']}/{counts['all']}")
            if kind in row["refused"]:
                cells = ["refused" if cell != "-" else cell for cell in cells]
                cells[0] = "refused"
            lines.append([name, *kind.split("_"), *cells])
        notes |= {f"{name}, {check}: {reason}" for check, reason in row["reasons"].items()}
    head = ["export", "kind", "colour", "bits", *NEEDS]
    return [
        Table("Good / all images, by reader", head, lines, sorted(notes)),
        Table(
            "Controls: wrong files that each check flags",
            ["export", "check", "flagged", "all flagged"],
            controls,
        ),
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(__doc__, argv)
    count = IMAGES[options.profile]
    software = {name: not missing(name) for name in NEEDS}
    facts = {"images_of_a_kind": count, "software": software}
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = write_images(work / "data", count)
        wrong = write_images(work / "wrong", count, change=1)
        truth = levels_of(data)
        for name in [*VARIANTS, *(f"control: {name}" for name in VARIANTS)]:
            if not results.lacks(name):
                continue
            say(f"{name} ...")
            place = work / "export"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            variant = name.removeprefix("control: ")
            try:
                if name == variant:
                    row = check_variant(data, truth, place, variant)
                else:
                    row = control(wrong, truth, place, variant)
            except SynthmedError as error:
                row = {"checks": {}, "reasons": {"export": str(error)}, "refused": []}
            results.add(name, row)
    show(tables(results.content))


if __name__ == "__main__":
    run(main)
