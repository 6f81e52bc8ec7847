from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmed.datasets import DatasetFolder, read_dataset
from synthmed.datasets.importers import import_dataset
from synthmed.datasets.importers.table import IDENTIFYING
from synthmed.errors import SynthmedError
from synthmed.imaging import open_image, open_mask


def make(folder: Path, rows: list[dict[str, Any]], name: str = "metadata.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(rows):
        path = folder / row["file_name"]
        if not path.exists() and not path.name.startswith("missing"):
            Image.fromarray(np.full((4, 5), 10 + number, np.uint8)).save(path)
    with (folder / name).open("w", newline="") as file:
        table = csv.DictWriter(file, list(dict.fromkeys(k for row in rows for k in row)))
        table.writeheader()
        table.writerows(rows)
    return folder


def run(source: Path, **options: Any) -> DatasetFolder:
    out = source.parent / "out"
    import_dataset(source, out, format="table", name="t", jobs=1, **options)
    return read_dataset(out)


def test_columns_split_masks_and_boxes(tmp_path: Path) -> None:
    boxes = json.dumps([{"label": "nodule", "bbox": [1, 1, 2, 2]}])
    source = make(
        tmp_path / "in",
        [
            {
                "file_name": "a.png",
                "split": "test",
                "patient_id": "007",
                "finding": "x; y",
                "boxes": boxes,
            },
            {
                "file_name": "b.png",
                "split": "train",
                "patient_id": "008",
                "finding": "",
                "boxes": "",
            },
        ],
    )
    labels = np.arange(20, dtype=np.uint16).reshape(4, 5) * 300
    Image.fromarray(labels).save(source / "m.png")
    rows = (source / "metadata.csv").read_text().splitlines()
    rows = [f"{row},{cell}" for row, cell in zip(rows, ["mask", "m.png", ""], strict=True)]
    (source / "metadata.csv").write_text("\n".join(rows))
    folder = run(source, columns={"labels": {"split": ";", "from": "finding"}})
    (row,) = folder.split("test")
    assert row.labels == ("x", "y")
    assert row.boxes == [{"label": "nodule", "bbox": [1.0, 1.0, 2.0, 2.0]}]
    np.testing.assert_array_equal(open_mask(row.mask_file), labels)  # type: ignore[arg-type]
    assert len(folder.split("train")) == 1
    assert "patient_id" not in row.extra
    assert "007" not in (folder.path / "test/metadata.jsonl").read_text()


def test_pixels_are_kept_in_8_and_16_bits_and_no_metadata_comes_along(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in", [{"file_name": "a.png"}, {"file_name": "b.tif"}, {"file_name": "c.png"}]
    )
    deep = np.arange(20, dtype=np.uint16).reshape(4, 5) * 3000
    Image.fromarray(deep).save(source / "b.tif")
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Comment", "Quastenflosser, Ottilie")
    Image.fromarray(np.full((4, 5), 77, np.uint8)).save(source / "c.png", pnginfo=notes)
    rows = sorted(run(source).rows, key=lambda row: row.file_name)
    first, second, third = (open_image(row.file) for row in rows)
    assert (first[1].bits, second[1].bits) == (8, 16)
    np.testing.assert_array_equal(second[1].to_value(second[0])[0].round(), deep)
    assert third[1].to_value(third[0]).round().max() == 77
    assert b"Quasten" not in rows[2].file.read_bytes()


def test_identifying_columns_are_dropped_and_texts_are_searched(tmp_path: Path) -> None:
    secret = {
        "patient_name": "Ottilie Q",
        "dob": "1951-06-07",
        "MRN": "12345",
        "study_date": "2019-03-04",
    }
    report = {"report": "Seen by Dr. Zwackelmann on 04.03.2019."}
    source = make(tmp_path / "in", [{"file_name": "a.png", "tissue": "dense", **secret, **report}])
    (row,) = run(source, keep=("study_date",)).rows
    assert set(row.extra) >= {"tissue", "study_date", "identifiers_found"}
    assert not {"patient_name", "dob", "MRN"} & set(row.extra)
    assert row.extra["identifiers_found"] == "date, name"
    assert row.extra["study_date"].strip() == "2019-03-04"


@pytest.mark.parametrize(
    "name", ["Patient ID", "surname", "birthdate", "e-mail", "AccessionNumber", "study_timestamp"]
)
def test_headings_that_identify(name: str) -> None:
    assert IDENTIFYING.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["label_name", "pair", "tissue", "abnormality", "licence", "slice", "validated"]
)
def test_headings_that_do_not(name: str) -> None:
    assert not IDENTIFYING.fullmatch(name)


def test_bad_rows_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in",
        [
            {"file_name": "good.png", "age": "40"},
            {"file_name": "missing.png", "age": "40"},
            {"file_name": "old.png", "age": "400"},
        ],
    )
    (source / "text.png").write_text("no image")
    with (source / "metadata.csv").open("a") as file:
        file.write("../../etc/passwd,3\n/etc/passwd,3\ntext.png,3\na,b,c\nlink.png,3\n")
    (source / "link.png").symlink_to("/etc/hostname")
    folder = run(source)
    assert len(folder.rows) == 1
    with (folder.path / "rejected.csv").open(newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    expected = [
        "no such image",
        "age 400",
        "leads out",
        "leads out",
        "no known format",
        "3 cells",
        "link",
    ]
    assert len(reasons) == len(expected)
    for reason, part in zip(reasons, expected, strict=True):
        assert part in reason


def test_other_table_and_unknown_columns(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in", [{"file_name": "a.png", "subject": "s1", "kind": "k"}], "list.csv"
    )
    folder = run(
        source, table=source / "list.csv", columns={"group_id": "subject"}, where={"kind": "k"}
    )
    assert folder.rows[0].group_id.startswith("t:")
    with pytest.raises(SynthmedError, match="no column 'nothing'"):
        import_dataset(
            source,
            tmp_path / "o",
            format="table",
            table=source / "list.csv",
            columns={"age": "nothing"},
        )


def test_columns_blank_in_one_split_open_in_datasets(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [
        {"file_name": f"{n}.png", "split": s, "age": a, "labels": lab, "stage": st, "view": v}
        for n, (s, a, lab, st, v) in enumerate(
            [
                *(("train", "", "a|b", "2019-01-01", ""), ("train", "3", "", "2019-01-02", "PA")),
                *(("test", "", "", "2019-01-01", ""), ("test", "", "", "", "")),
                ("val", "5", "c", "x", "AP"),
            ]
        )
    ]
    folder = run(make(tmp_path / "in", rows))
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(folder.path), cache_dir=str(tmp_path / "cache")
    )
    assert {name: len(split) for name, split in loaded.items()} == {
        "train": 2,
        "validation": 1,
        "test": 2,
    }
    assert loaded["train"][1]["age"] == 3.0
    assert loaded["train"][0]["labels"] == ["a", "b"]


def test_the_patients_own_id_is_replaced_in_other_columns_and_texts(tmp_path: Path) -> None:
    rows = [
        {
            "file_name": f"{n}.png",
            "patient_id": "TCGA_77",
            "pair": f"TCGA_77_{n}",
            "note": "tcga_77!",
        }
        for n in range(2)
    ]
    first, second = sorted(run(make(tmp_path / "in", rows)).rows, key=lambda row: row.file_name)
    assert first.extra["pair"].removesuffix("_0") == second.extra["pair"].removesuffix("_1")
    assert "tcga_77" not in first.file.parents[1].joinpath("metadata.jsonl").read_text().lower()


def test_texts_that_no_file_can_hold_and_reserved_names_end_nothing(tmp_path: Path) -> None:
    source = make(tmp_path / "in", [{"file_name": "a.png"}])
    odd = {"file_name": "a.png", "text": "\ud800 x", "day": "Monday", "image": "x", "n": 10**30}
    (source / "metadata.jsonl").write_text(json.dumps(odd) + "\n" + "{broken\n[1]\n")
    folder = run(source)
    (row,) = folder.rows
    assert row.text == "? x"
    assert (row.extra["day"], row.extra["n"]) == ("Monday", str(10**30))
    assert "image" not in row.extra
    assert row.day_offset is None
