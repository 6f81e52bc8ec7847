"""Reading dataset folders: both layouts, typed cells, bad rows listed, clear errors."""

from __future__ import annotations

import csv
import json
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.datasets import read_dataset
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging import open_mask

pytestmark = pytest.mark.filterwarnings("error")  # an unforeseen warning is a failure


def table(folder: Path, rows: list[dict[str, str]], images: bool = True) -> Path:
    """Write a metadata.csv, and a small grey image for each row."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "metadata.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(k for row in rows for k in row)))
        writer.writeheader()
        writer.writerows(rows)
    for index, row in enumerate(rows):
        path = folder / row["file_name"]
        if images and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (6, 4), index % 256).save(path)
    return folder


def one(folder: Path, **cells: str) -> Row:
    """Read a folder of a single row made of the given cells."""
    row = {"file_name": "images/a.png", "split": "train", "group_id": "g:1", **cells}
    (row_read,) = read_dataset(table(folder, [row])).rows
    return row_read


def reason(folder: Path, **cells: str) -> str:
    """Read a folder with one good row and one made of the given cells; give the latter's reason."""
    good = {"file_name": "good.png", "split": "train", "group_id": "g:0"}
    bad = {"file_name": "a.png", "split": "train", "group_id": "g:1", **cells}
    read = read_dataset(table(folder, [bad, good]))
    assert [row.file_name for row in read.rows] == ["good.png"]
    (rejected,) = read.rejected
    assert (rejected.file_name, rejected.table, rejected.line) == ("a.png", "metadata.csv", 1)
    return rejected.reason


def test_cells_get_the_types_of_the_contract(tmp_path: Path) -> None:
    row = one(
        tmp_path,
        text="a chest X-ray",
        modality="X-ray",
        body_part="chest",
        view="PA",
        labels="Effusion|Mass",
        age="54",
        sex="f",
        study_id="007",
        day_offset="-3",
        domain="site A",
        boxes='[{"label":"Mass","bbox":[1,2.5,3,4],"score":1}]',
        patient_id="00012",
    )
    assert row.file == tmp_path / "images/a.png"
    assert (row.split, row.group_id, row.study_id) == ("train", "g:1", "007")
    assert row.labels == ("Effusion", "Mass")
    assert (row.age, row.sex, row.day_offset) == (54.0, "F", -3.0)
    assert row.image_type == "chest X-ray"
    assert row.boxes == [{"label": "Mass", "bbox": [1.0, 2.5, 3.0, 4.0]}]
    assert row.extra == {"patient_id": "00012"}


def test_blanks_stay_blank(tmp_path: Path) -> None:
    blank = dict.fromkeys(
        ["text", "labels", "age", "sex", "day_offset", "boxes", "masks", "note"], ""
    )
    row = one(tmp_path, mask_file_name=" ", **blank)
    assert (row.text, row.labels, row.age, row.sex, row.day_offset) == ("", (), None, None, None)
    assert (row.boxes, row.masks, row.mask_file, row.image_type) == ([], {}, None, "")
    assert row.extra == {"note": ""}


@pytest.mark.parametrize(
    ("written", "read"), [("89", 89.0), ("90", 90.0), ("103", 90.0), ("0.5", 0.5)]
)
def test_ages_of_90_and_above_are_90(tmp_path: Path, written: str, read: float) -> None:
    assert one(tmp_path, age=written).age == read


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"split": "trian"}, "split 'trian' is not one of train, val, test"),
        ({"split": ""}, "split '' is not one of"),
        ({"age": "old"}, "age 'old' is not a number"),
        ({"age": "-1"}, "age -1 is not between 0 and 130"),
        ({"age": "inf"}, "not a finite number"),
        ({"sex": "1"}, "sex '1' is not M or F"),
        ({"day_offset": "soon"}, "day_offset 'soon' is not a number"),
        ({"boxes": "[{]"}, "boxes is not valid JSON"),
        ({"boxes": '[{"label":"x","bbox":[1,2,3]}]'}, "a box is not"),
        ({"boxes": '[{"label":"x","bbox":[1,2,-3,4]}]'}, "bbox"),
        ({"boxes": '{"label":"x"}'}, "boxes is not a JSON list"),
        ({"masks": '["a.png"]'}, "masks is not a JSON object"),
        ({"mask_file_name": "gone.png"}, "the mask gone.png is missing"),
        ({"mask_file_name": "../a.png"}, "leads out of the dataset folder"),
    ],
)
def test_a_bad_row_is_listed_and_stops_nothing(
    tmp_path: Path, cells: dict[str, str], expected: str
) -> None:
    assert expected in reason(tmp_path, **cells)


def test_bad_files_are_listed(tmp_path: Path) -> None:
    names = [
        "ok.png",
        "gone.png",
        "cut.png",
        "text.png",
        "deep.png",
        "../out.png",
        "/etc/x.png",
        "",
    ]
    rows = [{"file_name": n, "split": "train", "group_id": f"g:{n}"} for n in names]
    table(tmp_path, rows, images=False)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "ok.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "ok.png").read_bytes()[:900])
    (tmp_path / "text.png").write_text("no image")
    Image.fromarray(noise.astype(np.uint16)).save(tmp_path / "deep.png")
    read = read_dataset(tmp_path)
    assert [row.file_name for row in read.rows] == ["ok.png", "deep.png"]  # 16 bits are read
    reasons = {bad.file_name: bad.reason for bad in read.rejected}
    assert reasons["gone.png"] == "the image is missing"
    assert "cannot read this image" in reasons["cut.png"]
    assert "cannot read this image" in reasons["text.png"]
    assert "leads out" in reasons["../out.png"]
    assert "leads out" in reasons["/etc/x.png"]
    assert reasons[""] == "file_name is blank"
    assert [bad.line for bad in read.rejected] == sorted(bad.line for bad in read.rejected)


def test_broken_lines_are_listed(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text(
        "file_name,split,group_id\na.png,train,g:1\n\na.png,train\na.png,train,g:1,more\n"
    )
    read = read_dataset(tmp_path)
    assert len(read.rows) == 1
    assert [bad.reason for bad in read.rejected] == [
        "the row has 2 cells, the header 3",
        "the row has 4 cells, the header 3",
    ]
    (tmp_path / "metadata.csv").unlink()
    good = json.dumps({"file_name": "a.png", "split": "train", "group_id": "g:1", "age": 5})
    (tmp_path / "metadata.jsonl").write_text(f"{good}\n[1]\n{good[:-3]}\n")
    read = read_dataset(tmp_path)
    assert [row.age for row in read.rows] == [5.0]
    assert [bad.line for bad in read.rejected] == [2, 3]


def test_imagefolder_with_typed_tables(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        (tmp_path / split / "images").mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / split / "images" / "a.png")
        cells = {
            "file_name": "images/a.png",
            "group_id": split,
            "labels": ["a|b", "c"],
            "age": 95.0,
        }
        cells |= {"seed": 2**62 + 1, "synthetic": True, "sex": None, "boxes": [], "extra": None}
        (tmp_path / split / "metadata.jsonl").write_text(json.dumps(cells) + "\n")
    (tmp_path / "dataset.json").write_text('{"licences": ["CC0-1.0"]}')
    read = read_dataset(tmp_path)
    assert [row.split for row in read.rows] == ["train", "val", "test"]
    assert read.split("val")[0].file == tmp_path / "validation" / "images" / "a.png"
    assert read.rows[0].labels == ("a|b", "c")
    assert read.rows[0].age == 90.0
    assert read.rows[0].extra == {"seed": 2**62 + 1, "synthetic": True, "extra": None}
    assert read.spec.channels == 3
    assert read.info == {"licences": ["CC0-1.0"]}


def test_columns_are_mapped(tmp_path: Path) -> None:
    cells = {
        "file_name": "a.png",
        "fold": "valid",
        "pid": "0012",
        "dx": "mel",
        "tags": "a; b",
        "g": "2",
    }
    cells["patient id"] = ""
    read = read_dataset(
        table(tmp_path, [cells]),
        columns={
            "split": {"map": {"valid": "val", "dev": "test"}, "from": "fold"},
            "group_id": {"template": "skin:{pid}"},
            "study_id": {"template": "s{patient id}"},
            "text": "dx",
            "labels": {"split": ";", "from": "tags"},
            "sex": {"map": {1: "M", 2: "F"}, "from": "g"},
            "image_type": {"const": "dermatoscopy"},
            "domain": {"map": {}, "from": "dx"},
        },
    )
    (row,) = read.rows
    assert (row.split, row.group_id, row.study_id, row.text) == ("val", "skin:0012", "", "mel")
    assert (row.labels, row.sex, row.image_type, row.domain) == (
        ("a", "b"),
        "F",
        "dermatoscopy",
        "mel",
    )
    assert row.extra["pid"] == "0012"


def test_label_and_mask_columns_are_understood(tmp_path: Path) -> None:
    Image.new("1", (6, 4), 1).save(tmp_path / "m.png")
    row = one(tmp_path, label="benign", mask="m.png")
    assert row.labels == ("benign",)
    assert row.mask_file == tmp_path / "m.png"


def test_where_keeps_the_rows_that_match(tmp_path: Path) -> None:
    rows = [
        {"file_name": f"{i}.png", "split": "train", "group_id": f"g:{i}", "view": v, "age": "x" * i}
        for i, v in enumerate(["PA", "AP", "L", "PA"])
    ]
    table(tmp_path, rows)
    names = [row.file_name for row in read_dataset(tmp_path, where={"view": "PA", "age": ""}).rows]
    assert names == ["0.png"]  # and the rows left out by `where` are not "rejected"
    read = read_dataset(tmp_path, where={"view": ["AP", "PA"], "file_name": ["0.png", "1.png"]})
    assert [row.file_name for row in read.rows] == ["0.png"]
    assert [bad.file_name for bad in read.rejected] == ["1.png"]


def test_groups_fall_back_with_one_warning(tmp_path: Path) -> None:
    rows = [
        {"file_name": "a.png", "split": "train", "patient_id": "01", "lesion_id": "L1"},
        {"file_name": "b.png", "split": "train", "patient_id": "", "lesion_id": "L2"},
        {"file_name": "c.png", "split": "train", "patient_id": "", "lesion_id": ""},
        {"file_name": "d.png", "split": "train", "patient_id": "", "lesion_id": ""},
    ]
    folder = table(tmp_path / "skin", rows)
    with pytest.warns(UserWarning, match="2 rows have no group_id") as caught:
        read = read_dataset(folder)
    assert len(caught) == 1
    assert Path(caught[0].filename) == Path(__file__)
    assert [row.group_id for row in read.rows] == ["skin:01", "skin:L2", "c.png", "d.png"]


def test_a_table_without_splits_is_train_with_one_warning(tmp_path: Path) -> None:
    rows = [{"file_name": f"{name}.png", "group_id": name} for name in "ab"]
    with pytest.warns(UserWarning, match=r"no column `split`") as caught:
        read = read_dataset(table(tmp_path, rows))
    assert len(caught) == 1
    assert [row.split for row in read.rows] == ["train", "train"]


def test_errors_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="no such dataset folder"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(SynthmedError, match=r"no metadata table .* Put a metadata\.csv"):
        read_dataset(tmp_path)
    folder = table(tmp_path / "d", [{"file_name": "a.png", "split": "x", "view": "PA"}])
    with pytest.raises(SynthmedError, match=r"no usable row .*\(1 rejected; the first: split 'x'"):
        read_dataset(folder)
    with pytest.raises(SynthmedError, match=r"no usable row .* Check .*`where`"):
        read_dataset(folder, where={"view": "AP"})
    with pytest.raises(SynthmedError, match=r"no column 'vue'.*Known: file_name, split, view") as e:
        read_dataset(folder, columns={"view": "vue"})
    assert "\n" not in str(e.value)
    with pytest.raises(SynthmedError, match=r"no column 'vue'.*Known: file_name, split, view"):
        read_dataset(folder, where={"vue": "PA"})
    with pytest.raises(SynthmedError, match=r"no column 'no'.*Known: file_name, split, view"):
        read_dataset(folder, columns={"text": {"template": "{view} {no}"}})
    with pytest.raises(SynthmedError, match=r"the contract has no column 'colour'.*Known: age, "):
        read_dataset(folder, columns={"colour": "view"})
    with pytest.raises(SynthmedError, match="a column cannot be made of"):
        read_dataset(folder, columns={"view": {"lookup": "view"}})
    (folder / "metadata.csv").write_bytes(b"file_name,split\n\xff\xfe.png,train\n")
    with pytest.raises(SynthmedError, match="cannot read this table"):
        read_dataset(folder)
    (folder / "metadata.csv").write_text("")
    with pytest.raises(SynthmedError, match="no usable row"):
        read_dataset(folder, columns={"view": "view"})


REAL_ROWS = {
    "bccd-blood": 364,
    "brain-t1-pd-pairs": 88,
    "busi-breast-us": 453,
    "chase-fundus": 28,
    "chest-ct-mini": 7,
    "covid-cxr": 300,
    "dsb2018-nuclei": 217,
    "ham10000-small": 1041,
    "head-ct": 28,
    "kvasir-endoscopy-mini": 5,
    "lgg-brain-mri": 565,
    "mini-mias-mammography": 114,
    "nih-cxr64": 660,
}


def test_every_real_set_is_read_in_full(shared_data: Path) -> None:
    sets = {path.parent.name for path in shared_data.glob("*/metadata.csv")}
    assert sets == set(REAL_ROWS)
    for name, count in REAL_ROWS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = read_dataset(shared_data / name)
        assert (name, len(read.rows), read.rejected) == (name, count, [])


def test_real_cells_are_parsed(shared_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = {n: read_dataset(shared_data / n).rows for n in REAL_ROWS}
    nih = read["nih-cxr64"]
    assert Counter(row.split for row in nih) == {"train": 435, "test": 166, "val": 59}
    assert nih[0].group_id == "nih-cxr64:00000231"
    assert max(len(row.labels) for row in nih) > 1
    covid = read["covid-cxr"]
    assert sum(row.age is not None for row in covid) == 209
    assert sum(row.sex is not None for row in covid) == 285
    assert sum(row.day_offset is not None for row in covid) == 238
    assert sum(bool(row.boxes) for row in covid) == 287
    assert sum(bool(row.masks) for row in covid) == 32
    assert max(row.age for row in covid if row.age is not None) <= 90
    assert all(file.is_file() for row in covid for file in row.masks.values())
    assert len({row.group_id for row in covid}) == 167
    assert len({row.group_id for row in read["ham10000-small"]}) == 710
    assert [len(row.masks) for row in read["chase-fundus"]] == [2] * 28
    mask = read["dsb2018-nuclei"][0].mask_file
    assert mask is not None
    assert len(np.unique(open_mask(mask))) == 37  # 36 nuclei and the background


def test_reading_leaves_the_warning_filters_alone(small_dataset: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        before = list(warnings.filters)
        for _ in range(3):
            read_dataset(small_dataset)
        assert list(warnings.filters) == before
