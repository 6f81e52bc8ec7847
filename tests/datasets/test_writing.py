"""Writing: what is written is read back, and opens in `datasets` with the types that it had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmed.datasets import read_dataset
from synthmed.datasets.rows import SPLITS, Row, row_cells
from synthmed.datasets.splits import content_hash, group_hashes
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.imaging import open_image
from synthmed.imaging.spec import spec_8bit

IMAGE = np.linspace(-1, 1, 30, dtype=np.float32).reshape(1, 5, 6)
SPEC = spec_8bit(1, "PNG")


def make_row(split: str, number: int, **fields: Any) -> Row:
    name = f"images/{number:03d}.png"
    return Row(Path(name), name, split, f"000{number}", **fields)


def write(out: Path, rows: list[Row]) -> Path:
    writer = DatasetWriter(out, SPEC)
    for row in rows:
        writer.add(row, IMAGE)
    writer.finish()
    return out


def load(folder: Path, cache: Path) -> Any:
    """Open a folder as any user of Hugging Face datasets would."""
    datasets = pytest.importorskip("datasets")
    return datasets.load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(cache))


def full_row(split: str, number: int, mask: Path) -> Row:
    """A row with a value in every column."""
    return make_row(
        split,
        number,
        text='a "quoted" µ text',
        report="two\nlines",
        modality="X-ray",
        body_part="chest",
        view="PA",
        labels=("opacity", "a|b"),
        age=61.0,
        sex="F",
        study_id="007",
        day_offset=-2.0,
        domain="site A",
        image_type="chest X-ray",
        mask_file=mask,
        masks={"left lung": mask, "right": mask},
        boxes=[{"label": "opacity", "bbox": [1.0, 2.0, 3.5, 1.0]}],
        extra={
            "seed": 2**62 + 1,
            "synthetic": True,
            "guidance": 2.0,
            "steps": 12,
            "date": "2020-01-02",
            "patient_id": "00001",
            "none": "None",
        },
    )


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "source_mask.png"
    Image.fromarray(np.arange(30, dtype=np.uint16).reshape(5, 6) * 9).save(path)
    return path


def test_every_column_comes_back(tmp_path: Path, mask: Path) -> None:
    rows = [full_row("train", 1, mask), make_row("train", 2), full_row("test", 1, mask)]
    write(tmp_path / "d", rows)
    back = read_dataset(tmp_path / "d").rows
    for row, again in zip(rows, back, strict=True):
        assert again.file == tmp_path / "d" / row.split / row.file_name
        x, _ = open_image(again.file)
        assert abs(x - IMAGE).max() <= 0.5 / 127.5 + 1e-6
        expected, found = row_cells(row), row_cells(again)
        for column in ("mask_file_name", "masks"):  # copied under a new name
            assert bool(expected.pop(column, None)) == bool(found.pop(column, None))
        assert found == expected
    copied = back[0].mask_file
    assert copied is not None
    assert copied.read_bytes() == mask.read_bytes()
    assert [file.read_bytes() for file in back[0].masks.values()] == [mask.read_bytes()] * 2
    assert not list((tmp_path / "d").rglob("*.tmp"))


def test_datasets_opens_it_with_strings_as_strings(tmp_path: Path, mask: Path) -> None:
    rows = [full_row(split, n, mask) for split in SPLITS for n in (1, 2)]
    rows.append(make_row("train", 3))
    loaded = load(write(tmp_path / "d", rows), tmp_path / "cache")
    assert {name: len(split) for name, split in loaded.items()} == {
        "train": 3,
        "validation": 2,
        "test": 2,
    }
    item = loaded["train"][0]
    assert item["image"].size == (6, 5)
    assert item["mask"].size == (6, 5)
    assert (item["group_id"], item["study_id"], item["patient_id"]) == ("0001", "007", "00001")
    assert item["date"].strip() == "2020-01-02"
    assert (item["none"], item["seed"], item["synthetic"]) == ("None", 2**62 + 1, True)
    assert (item["age"], item["labels"]) == (61.0, ["opacity", "a|b"])
    assert json.loads(item["boxes"]) == rows[0].boxes
    blank = loaded["train"][2]
    assert (blank["text"], blank["age"], blank["labels"], blank["mask"]) == ("", None, [], None)


BLANKS: dict[str, Any] = {
    "text": "",
    "labels": (),
    "age": None,
    "sex": None,
    "mask_file": None,
    "masks": {},
    "boxes": [],
}


@pytest.mark.parametrize("column", [*BLANKS, "seed", "steps", "synthetic", "date", "everything"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_column_that_is_blank_in_one_split_loads(
    tmp_path: Path, mask: Path, column: str, split: str
) -> None:
    rows = [full_row(s, n, mask) for s in SPLITS for n in (1, 2)]
    for row in rows:
        if row.split == split:
            for name in [*BLANKS, *row.extra] if column == "everything" else [column]:
                if name in BLANKS:
                    setattr(row, name, BLANKS[name])
                else:
                    del row.extra[name]
    folder = write(tmp_path / "d", rows)
    loaded = load(folder, tmp_path / "cache")
    assert {len(part) for part in loaded.values()} == {2}
    features = [part.features for part in loaded.values()]
    assert features[0] == features[1] == features[2]
    assert {str(features[0][name].dtype) for name in ("group_id", "patient_id", "date")} == {
        "string"
    }
    back = read_dataset(folder).rows
    for row, again in zip(rows, back, strict=True):
        for name in ("text", "labels", "age", "sex", "boxes"):
            assert getattr(again, name) == getattr(row, name)
        assert (again.mask_file is None) == (row.mask_file is None)
        found = {name: value for name, value in row_cells(again).items() if name in row.extra}
        assert {k: str(v) for k, v in found.items()} == {
            k: str(float(v) if isinstance(found[k], float) else v) for k, v in row.extra.items()
        }


def test_columns_without_any_value_are_left_out(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", [make_row("train", 1, text="a"), make_row("train", 2)])
    lines = (folder / "train" / "metadata.jsonl").read_text().splitlines()
    assert [set(json.loads(line)) for line in lines] == [{"file_name", "group_id", "text"}] * 2
    assert sorted(p.name for p in folder.iterdir()) == ["dataset.json", "train"]


def test_numbers_have_one_type_in_all_splits(tmp_path: Path) -> None:
    rows = [make_row("train", 1, extra={"x": 1}), make_row("test", 1, extra={"x": 0.5})]
    loaded = load(write(tmp_path / "d", rows), tmp_path / "cache")
    assert (loaded["train"][0]["x"], loaded["test"][0]["x"]) == (1.0, 0.5)


def test_the_small_dataset_loads(small_dataset: Path, tmp_path: Path) -> None:
    loaded = load(small_dataset, tmp_path)
    assert {name: len(split) for name, split in loaded.items()} == {
        "train": 64,
        "validation": 16,
        "test": 16,
    }


def test_dataset_json_says_what_is_there(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path, SPEC, {"licences": ["CC0-1.0"]})
    for split in ("train", "train", "val"):
        writer.add(make_row(split, len(list(tmp_path.rglob("*.png")))), IMAGE)
    folder = writer.finish()
    info = json.loads((tmp_path / "dataset.json").read_text())
    assert info["rows"] == {"train": 2, "val": 1, "test": 0}
    assert info["spec"] == SPEC.to_dict()
    assert info["licences"] == ["CC0-1.0"]
    assert info["content_hash"] == content_hash(read_dataset(tmp_path).rows)
    assert folder.info == info == read_dataset(tmp_path).info


def test_a_killed_run_is_continued(tmp_path: Path) -> None:
    rows = [make_row("train", n, text=str(n)) for n in range(3)]
    write(tmp_path / "whole", rows)
    DatasetWriter(tmp_path / "d", SPEC).add(rows[0], IMAGE)  # and killed
    assert not (tmp_path / "d" / "train" / "metadata.jsonl").exists()
    writer = DatasetWriter(tmp_path / "d", SPEC)
    for row in rows:
        writer.add(row, None if writer.path_of(row).exists() else IMAGE)
    writer.finish()
    for path in (tmp_path / "whole").rglob("*.*"):
        again = tmp_path / "d" / path.relative_to(tmp_path / "whole")
        assert again.read_bytes() == path.read_bytes()


def test_what_cannot_stand_is_refused(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "d", SPEC)
    with pytest.raises(SynthmedError, match="no row was added"):
        writer.finish()
    good = make_row("train", 1)
    writer.add(good, IMAGE)
    with pytest.raises(SynthmedError, match="two rows have the same image"):
        writer.add(good, IMAGE)
    for field, value, message in [
        ("split", "dev", "split 'dev' is not one of"),
        ("group_id", "", "needs a group_id"),
        ("file_name", "../a.png", "leads out"),
        ("file_name", "a.tif", "'.tif' images are not written"),
        ("extra", {"source_file_name": "x"}, "would be taken for an image"),
    ]:
        row = make_row("train", 2)
        setattr(row, field, value)
        with pytest.raises(SynthmedError, match=message):
            writer.add(row, IMAGE)
    writer.add(make_row("train", 3), None)  # nobody wrote this image
    with pytest.raises(SynthmedError, match="cannot be read back: the image is missing"):
        writer.finish()
    assert not (tmp_path / "d" / "dataset.json").exists()
    done = write(tmp_path / "done", [good])
    with pytest.raises(SynthmedError, match="a finished dataset is there already"):
        DatasetWriter(done, SPEC)


def test_content_hash_sees_cells_and_pixels_but_not_place_or_order(
    tmp_path: Path, mask: Path
) -> None:
    rows = [full_row("train", n, mask) for n in (1, 2)]
    first = read_dataset(write(tmp_path / "a", rows)).rows
    second = read_dataset(write(tmp_path / "b", rows[::-1])).rows
    assert content_hash(first) == content_hash(second)
    assert len(content_hash(first)) == 64
    second[0].age = 62.0
    assert content_hash(first) != content_hash(second)
    other = read_dataset(tmp_path / "b").rows
    Image.new("L", (6, 5)).save(other[0].file)
    assert content_hash(first) != content_hash(other)


def test_group_hashes_name_nobody_and_find_overlap() -> None:
    rows = [make_row("train", n) for n in (1, 2, 1)]
    hashes = group_hashes(rows)
    assert len(hashes) == 2
    assert hashes == sorted(hashes)
    assert not any(h == "0001" or len(h) != 64 for h in hashes)
    assert set(hashes) & set(group_hashes([make_row("test", 2), make_row("test", 9)]))
    assert not set(hashes) & set(group_hashes([make_row("test", 9)]))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["covid-cxr", "chase-fundus", "dsb2018-nuclei", "bccd-blood"])
def test_real_rows_survive_writing_and_load(shared_data: Path, tmp_path: Path, name: str) -> None:
    source = read_dataset(shared_data / name)
    rows = [row for split in SPLITS for row in source.split(split)[:12]]
    writer = DatasetWriter(tmp_path / "d", source.spec)
    for row in rows:
        writer.add(row, open_image(row.file)[0])
    back = writer.finish().rows
    for row, again in zip(rows, back, strict=True):
        expected, found = row_cells(row), row_cells(again)
        for column in ("mask_file_name", "masks"):
            assert bool(expected.pop(column, None)) == bool(found.pop(column, None))
        assert found == expected
    loaded = load(tmp_path / "d", tmp_path / "cache")
    assert sum(len(split) for split in loaded.values()) == len(rows)
    assert loaded["train"][0]["image"].size == Image.open(rows[0].file).size


def test_masks_never_share_a_file(tmp_path: Path) -> None:
    files = []
    for label in (1, 2, 3):
        files.append(tmp_path / f"mask{label}.png")
        Image.fromarray(np.full((5, 6), label, np.uint8)).save(files[-1])
    png, jpeg, numbered = (
        Row(Path(name), name, "train", f"g:{name}")
        for name in ("images/x.png", "images/x.jpg", "images/x__0.png")
    )
    png.mask_file, png.masks = files[0], {"lesion": files[1]}
    jpeg.mask_file, numbered.mask_file = files[1], files[2]
    write(tmp_path / "d", [png, jpeg, numbered])
    back = {row.file_name: row for row in read_dataset(tmp_path / "d").rows}
    found = [row.mask_file for row in back.values()] + [back["images/x.png"].masks["lesion"]]
    labels = [int(np.asarray(Image.open(str(file))).max()) for file in found]
    assert labels == [1, 2, 3, 2]
