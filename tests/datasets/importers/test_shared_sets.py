"""All sets of the real data, imported by the commands of docs/importing.md, cell by cell."""

from __future__ import annotations

import csv
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from synthmed.cli.import_ import import_
from synthmed.datasets import DatasetFolder, read_dataset
from synthmed.imaging import open_image, open_mask

PAGE = Path(__file__).parents[3] / "docs" / "importing.md"
slow = pytest.mark.slow


@dataclass(frozen=True)
class Mapping:
    """What a table's columns become.

    Attributes:
        rows: Rows of the table, all of which are imported.
        groups: Column that `group_id` is made of; "" makes each image a group.
        number: Number of groups.
        labels: Column of the labels.
        separator: What separates several labels in a cell.
        mask: Column of masks, and how many rows have any.
        masked: Rows with a mask.
        boxed: Rows with boxes.
        domain: Column of the domain.
    """

    rows: int
    groups: str
    number: int
    labels: str = ""
    separator: str = ""
    mask: str = ""
    masked: int = 0
    boxed: int = 0
    domain: str = ""


# set                                rows groups            n     labels, separator     masks, boxes
TABLES: dict[str, Mapping] = {
    "covid-cxr": Mapping(300, "patient_id", 167, "finding", ", ", "masks", 32, 287),
    "nih-cxr64": Mapping(660, "patient_id", 198, "labels", "|", boxed=6),
    "mini-mias-mammography": Mapping(114, "patient_id", 107, "label", boxed=111),
    "busi-breast-us": Mapping(453, "duplicate_group", 366, "label"),
    "ham10000-small": Mapping(1041, "lesion_id", 710, "label_name", mask="mask", masked=1041),
    "chase-fundus": Mapping(28, "patient_id", 14, mask="masks", masked=28),
    "bccd-blood": Mapping(364, "", 364, boxed=364),
    "dsb2018-nuclei": Mapping(217, "", 217, mask="mask", masked=217),
    "lgg-brain-mri": Mapping(
        565, "patient_id", 70, "has_lesion", mask="mask", masked=366, domain="sequence"
    ),
    "brain-t1-pd-pairs": Mapping(88, "patient_id", 1, domain="sequence"),
    "head-ct/images": Mapping(28, "patient_id", 1),
    "chest-ct-mini": Mapping(7, "patient_id", 4, "finding"),
    "kvasir-endoscopy-mini": Mapping(5, "", 5, "label", mask="mask", masked=5),
}
QUICK = {"chase-fundus", "brain-t1-pd-pairs", "chest-ct-mini", "kvasir-endoscopy-mini"}


def commands() -> dict[str, list[str]]:
    """The commands on the page, by the source that they import (behind `data/`)."""
    text = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [shlex.split(ln) for ln in text.splitlines() if ln.startswith("synthmed import data/")]
    return {words[words.index("--out") + 1]: words[2:] for words in lines}


def run(name: str, data: Path, out: Path) -> dict[str, Any]:
    """Run the command of the page whose `--out` is `name`; give its JSON."""
    words = list(commands()[name])
    words[words.index("--out") + 1] = str(out)
    words = [str(data / w.removeprefix("data/")) if w.startswith("data/") else w for w in words]
    app = typer.Typer()
    app.command()(import_)
    result = CliRunner().invoke(app, [*words, "--jobs", "1", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def by_number(folder: DatasetFolder) -> dict[int, Any]:
    """Rows by the number in their name: the row's place in the source's table."""
    return {int(Path(row.file_name).stem[:7]): row for row in folder.rows}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [slow]) for n in TABLES]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_table(shared_data: Path, tmp_path: Path, name: str) -> None:
    expected = TABLES[name]
    source = shared_data / name.split("/", maxsplit=1)[0]
    facts = run(name.replace("/", "-"), shared_data, tmp_path / "out")
    assert (facts["images"], facts["rejected"]) == (expected.rows, 0)
    assert facts["groups"] == expected.number
    assert facts["groups_in_several_splits"] == 0
    with (source / "metadata.csv").open(newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    rows = by_number(read_dataset(tmp_path / "out"))
    assert sorted(rows) == list(range(len(cells)))
    pairs = [(rows[number], row) for number, row in enumerate(cells)]
    _check_groups(pairs, expected)
    for row, cell in pairs:
        wanted = cell.get(expected.labels, "") if expected.labels else ""
        parts = wanted.split(expected.separator) if expected.separator else [wanted]
        if expected.labels == "has_lesion":
            parts = ["lesion" if wanted == "1" else "no lesion"]
        assert list(row.labels) == [part.strip() for part in parts if part.strip()]
        assert row.domain == (cell[expected.domain] if expected.domain else "")
        if "split" in cell:
            assert row.split == cell["split"]
        if cell.get("age"):
            assert row.age == min(float(cell["age"]), 90)
        assert row.boxes == [
            {"label": box["label"], "bbox": [float(n) for n in box["bbox"]]}
            for box in json.loads(cell.get("boxes") or "[]")
        ]
    assert sum(bool(row.boxes) for row, _ in pairs) == expected.boxed
    _check_pixels(pairs, source, expected)


def _check_groups(pairs: list[tuple[Any, dict[str, str]]], expected: Mapping) -> None:
    """The groups are those of the source's column, under other names."""
    names: dict[str, set[str]] = {}
    for number, (row, cell) in enumerate(pairs):
        known = cell[expected.groups] if expected.groups else ""
        names.setdefault(known or f"row {number}", set()).add(row.group_id)
    assert all(len(found) == 1 for found in names.values())
    assert len({row.group_id for row, _ in pairs}) == len(names) == expected.number


def _check_pixels(pairs: list[tuple[Any, dict[str, str]]], source: Path, expected: Mapping) -> None:
    """The first images, and every 20th mask, are the source's."""
    for row, cell in pairs[:3]:
        np.testing.assert_array_equal(
            open_image(row.file)[0], open_image(source / cell["file_name"])[0]
        )
    masked = [(row, cell) for row, cell in pairs if expected.mask and cell[expected.mask]]
    assert len(masked) == expected.masked
    assert sum(bool(row.mask_file or row.masks) for row, _ in pairs) == expected.masked
    for row, cell in masked[::20]:
        many = expected.mask == "masks"
        files = json.loads(cell["masks"]) if many else {"": cell[expected.mask]}
        found = row.masks if many else {"": row.mask_file}
        assert set(files) == set(found)
        for key, file in files.items():
            np.testing.assert_array_equal(open_mask(found[key]), open_mask(source / file))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_head_ct_as_dicom_and_nifti(shared_data: Path, tmp_path: Path) -> None:
    facts = run("head-ct-dicom", shared_data, tmp_path / "dicom")
    assert (facts["images"], facts["groups"], facts["rejected"]) == (28, 1, 0)
    rows = read_dataset(tmp_path / "dicom").rows
    assert {(row.modality, row.body_part, row.view) for row in rows} == {("CT", "head", "axial")}
    assert {row.extra["unit"] for row in rows} == {"HU"}
    nibabel = pytest.importorskip("nibabel")
    facts = run("head-ct-nifti", shared_data, tmp_path / "nifti")
    assert facts["groups"] == 1
    volume = nibabel.load(shared_data / "head-ct/head_ct_1p5mm.nii.gz")
    assert facts["images"] == len(range(0, volume.shape[2], 5))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_chest_ct_with_organs(shared_data: Path, tmp_path: Path) -> None:
    facts = run("chest-ct", shared_data, tmp_path / "out")
    assert (facts["images"], facts["groups"], facts["rejected"]) == (166, 1, 0)
    rows = read_dataset(tmp_path / "out").rows
    labels = [np.unique(open_mask(row.mask_file)) for row in rows[::20] if row.mask_file]
    assert len(labels) == 9
    assert len(np.unique(np.concatenate(labels))) > 40
    low, high = rows[0].extra["window_low"], rows[0].extra["window_high"]
    assert (low, high) == (-1350.0, 150.0)


@slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pneumoniamnist(shared_data: Path, tmp_path: Path) -> None:
    facts = run("pneumoniamnist", shared_data, tmp_path / "out")
    assert (facts["images"], facts["groups"], facts["rejected"]) == (5030, 5030, 0)
    folder = read_dataset(tmp_path / "out")
    assert [len(folder.split(name)) for name in ("train", "val", "test")] == [3882, 524, 624]
    train = [row.labels for row in folder.split("train")]
    assert (train.count(("normal",)), train.count(("pneumonia",))) == (388, 3494)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_openi_reports(shared_data: Path, tmp_path: Path) -> None:
    facts = run("openi-reports", shared_data, tmp_path / "out")
    assert (facts["images"], facts["reports"], facts["rejected"]) == (0, 3826, 25)
    lines = (tmp_path / "out/reports.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    with (shared_data / "openi-reports/indiana_reports.csv").open(newline="") as file:
        cells = [
            c
            for c in csv.DictReader(file)
            if c["findings"] + c["impression"] + c["indication"] + c["comparison"]
        ]
    splits = dict(csv.reader((shared_data / "openi-reports/splits.csv").open(newline="")))
    assert len(cells) == len(rows)
    for row, cell in zip(rows, cells, strict=True):
        assert row.get("findings", "") == " ".join(cell["findings"].split())
        assert row["split"] == splits[cell["uid"]]
    assert sum(row["labels"] == ["no finding"] for row in rows) == sum(
        cell["Problems"] == "normal" for cell in cells
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_dicom_samples(shared_data: Path, tmp_path: Path) -> None:
    """Every file is read, or left out for the right reason."""
    run("dicom-samples", shared_data, tmp_path / "out")
    with (tmp_path / "out/rejected.csv").open(newline="") as file:
        reasons = {row["file"]: row["reason"] for row in csv.DictReader(file)}
    kinds = {name: reason.split(" ")[0] for name, reason in reasons.items()}
    assert {n for n, k in kinds.items() if k == "segmentation"} == {
        "liver.dcm",
        "liver_nonbyte_aligned.dcm",
        "liver_rle.dcm",
    }
    assert "parametric map" in reasons["parametric_map_float.dcm"]
    same = {name for name, reason in reasons.items() if "imported before" in reason}
    assert len(same & {n for n in reasons if n.startswith("emri_small_")}) >= 3
    read = {"RG1_J2KI.dcm", "MR2_J2KI.dcm", "693_J2KR.dcm", "emri_small.dcm", "explicit_VR-UN.dcm"}
    assert not read & set(reasons)
