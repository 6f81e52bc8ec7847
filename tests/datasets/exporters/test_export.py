"""What holds for every registered format: whole files, same bytes, no overwriting, reasons."""

from __future__ import annotations

import csv
import errno
import json
import shutil
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmed.datasets import read_dataset
from synthmed.datasets.exporters import FORMATS, export
from synthmed.datasets.exporters.claim import claim
from synthmed.datasets.exporters.fidelity import codec_psnr
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.imaging import open_mask
from synthmed.imaging.spec import spec_8bit
from synthmed.imaging.writing import write_mask, write_png

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
every_format = pytest.mark.parametrize("format", FORMATS)


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@every_format
def test_same_call_same_bytes(mixed: Path, tmp_path: Path, format: str) -> None:
    for name in ("a", "b"):
        result = export(mixed, format, tmp_path / name)
        assert result.images == 12 - len(result.rejected)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert not list((tmp_path / "a").rglob(".*"))
    record = json.loads((tmp_path / "a" / "export.json").read_text())
    assert record["kinds"] == {"generated": 4, "edited": 4, "real": 4}
    assert record["codec_psnr_db"] == {"chest X-ray": 34.06}
    assert any("not anonymous" in text for text in record["warnings"])


@every_format
def test_the_dataset_is_only_read(mixed: Path, tmp_path: Path, format: str) -> None:
    before = contents(mixed)
    export(mixed, format, tmp_path / "out")
    assert contents(mixed) == before


@every_format
def test_a_finished_export_is_not_overwritten(mixed: Path, tmp_path: Path, format: str) -> None:
    export(mixed, format, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(SynthmedError, match="finished export is there already"):
        export(mixed, format, tmp_path / "out")
    assert contents(tmp_path / "out") == before


@every_format
@pytest.mark.parametrize("after", [0, 3])
def test_a_killed_export_continues(
    mixed: Path, tmp_path: Path, format: str, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"shard_size": 1} if format in {"parquet", "webdataset"} else {}
    export(mixed, format, tmp_path / "whole", **options)

    def stop(done: int, _: int) -> None:
        if done > after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(mixed, format, tmp_path / "out", progress=stop, **options)
    assert not (tmp_path / "out" / "export.json").exists()
    (tmp_path / "out" / ".torn.png.1.tmp").write_bytes(b"half")
    export(mixed, format, tmp_path / "out", **options)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_begun_export_of_other_settings_is_kept(mixed: Path, tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(mixed, "png", tmp_path / "out", progress=stop)
    with pytest.raises(SynthmedError, match="other settings"):
        export(mixed, "png", tmp_path / "out", bits=8)


def test_a_changed_dataset_does_not_continue(small_dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_dataset, copy)

    def stop(done: int, _: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(copy, "png", tmp_path / "out", progress=stop)
    images = sorted((copy / "train/images").glob("*.png"))
    shutil.copyfile(images[0], images[1])
    with pytest.raises(SynthmedError, match="another dataset"):
        export(copy, "png", tmp_path / "out")


@every_format
def test_a_full_disk_stops_it_in_one_clear_error(
    mixed: Path, tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def claimed(*args: Any) -> None:
        claim(*args)
        monkeypatch.setattr("os.replace", full)

    monkeypatch.setattr(sys.modules[export.__module__], "claim", claimed)
    with pytest.raises(SynthmedError, match="No space left") as caught:
        export(mixed, format, tmp_path / "out")
    assert caught.value.exit_code == 2
    assert not list((tmp_path / "out").rglob(".*.tmp"))


@every_format
def test_memory_does_not_grow_with_the_dataset(tmp_path: Path, format: str) -> None:
    """Images of 90 kB: three times as many must not take more than those of one more group."""
    peaks = []
    for count in (40, 120):
        writer = DatasetWriter(tmp_path / f"d{count}", spec_8bit(1, "PNG"))
        for number in range(count):
            name = f"{number:04d}.png"
            noise = np.random.default_rng(number).uniform(-1, 1, (1, 300, 300))
            writer.add(Row(Path(name), name, "train", f"p:{number}"), noise)
        writer.finish()
        options = {"shard_size": 1} if format in {"parquet", "webdataset"} else {}
        export(tmp_path / f"d{count}", "csv", tmp_path / f"warm{count}")
        tracemalloc.start()
        export(tmp_path / f"d{count}", format, tmp_path / f"{format}{count}", **options)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 2_000_000  # 80 images of 90 kB more are 7 MB


@every_format
def test_one_bad_file_is_listed_and_the_rest_goes_on(
    small_dataset: Path, tmp_path: Path, format: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_dataset, copy)
    victim = sorted((copy / "train/images").glob("*.png"))[0]
    victim.write_bytes(victim.read_bytes()[:100])
    result = export(copy, format, tmp_path / "out")
    assert result.images == 95
    with open(tmp_path / "out" / "rejected.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"images/{victim.name}"]
    assert rows[0]["reason"]
    assert any("rejected.csv" in text for text in result.warnings)


def test_png_and_csv_tables_are_read_again(small_dataset: Path, tmp_path: Path) -> None:
    export(small_dataset, "png", tmp_path / "png")
    export(small_dataset, "csv", tmp_path / "csv")
    rows = read_dataset(small_dataset).rows
    again = read_dataset(tmp_path / "png").rows
    table = list(csv.DictReader((tmp_path / "csv" / "metadata.csv").open(newline="")))
    assert len(rows) == len(again) == len(table) == 96
    for row, copy, cells in zip(rows, again, table, strict=True):
        same = (row.group_id, row.split, row.labels, row.age, row.sex, row.image_type)
        assert same == (copy.group_id, copy.split, copy.labels, copy.age, copy.sex, copy.image_type)
        assert row.boxes == copy.boxes
        assert (row.mask_file is None) == (copy.mask_file is None)
        if row.mask_file and copy.mask_file:
            assert row.mask_file.read_bytes() == copy.mask_file.read_bytes()
        assert (small_dataset / cells["file_name"]).samefile(row.file)


def test_unknown_words_are_named_with_the_known_ones(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="png, dicom, nifti"):
        export(mixed, "tiff", tmp_path / "out")
    with pytest.raises(SynthmedError, match=r"csv has no option 'bits'"):
        export(mixed, "csv", tmp_path / "out", bits=8)
    for options in ({"sop": "pet"}, {"compress": "zip"}, {"spacing": (0.0, 1.0)}):
        with pytest.raises(SynthmedError):
            export(mixed, "dicom", tmp_path / "out", **options)
    with pytest.raises(SynthmedError, match="lie in one another"):
        export(mixed, "csv", mixed / "export")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(SynthmedError, match="not empty"):
        export(mixed, "csv", tmp_path / "full")


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        ({"gate": {"types": [{"image_type": "a", "psnr": 30.5}]}}, {"a": 30.5}),
        ({"training": {"gate": {"types": [{"image_type": "a", "psnr": 30}]}}}, {"a": 30.0}),
        ({"codec_psnr": 31}, {"": 31.0}),
        ({"codec_psnr": {"a": 31.0, "b": "x"}}, {"a": 31.0}),
        ({"gate": {"types": [{"psnr": float("nan")}, 3]}}, {}),
        ({"gate": "x"}, {}),
        ("x", {}),
    ],
)
def test_the_codecs_figure_is_found_or_missing(generation: Any, expected: dict[str, float]) -> None:
    assert codec_psnr({"generation": generation}) == expected


@every_format
def test_the_originals_uid_is_in_no_table(mixed: Path, tmp_path: Path, format: str) -> None:
    export(mixed, format, tmp_path / "out")
    for name, data in contents(tmp_path / "out").items():
        assert b"original_sop_instance_uid" not in data, name
        assert b"1.2.3.5" not in data, name


def test_masks_of_like_names_stay_apart(tmp_path: Path) -> None:
    """Names that a careless scheme (x__0, x_mask, x/0) would lead to one file."""
    folder, lines = tmp_path / "d" / "train", []
    for number, name in enumerate(["x.png", "x__0.png", "x_mask.png", "x/0.png", "X.png"]):
        mask = f"m{number}.png"
        write_mask(folder / mask, np.full((4, 4), number + 1, np.uint16))
        write_png(folder / name, np.zeros((1, 4, 4)))
        cells = {"file_name": name, "group_id": f"s:{number}", "mask_file_name": mask}
        lines.append(json.dumps({**cells, "masks": {"a": mask, "b": mask}}) + "\n")
    (folder / "metadata.jsonl").write_text("".join(lines))
    export(tmp_path / "d", "png", tmp_path / "png")
    for number, row in enumerate(read_dataset(tmp_path / "png").rows):
        masks = [row.mask_file, *row.masks.values()]
        assert len(masks) == 3
        assert all((open_mask(mask) == number + 1).all() for mask in masks if mask)
    export(tmp_path / "d", "nifti", tmp_path / "nifti")
    assert len(list((tmp_path / "nifti").rglob("*.nii.gz"))) == 10


def test_a_column_called_provenance_does_not_hide_ours(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "d", spec_8bit(1, "PNG"))
    row = Row(Path("a.png"), "a.png", "train", "s:1", extra={"provenance": "generated"})
    writer.add(row, np.zeros((1, 4, 4)))
    writer.finish()
    export(tmp_path / "d", "csv", tmp_path / "out")
    assert "real" in (tmp_path / "out" / "metadata.csv").read_text()
    assert "generated" not in (tmp_path / "out" / "metadata.csv").read_text()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, "real"),
        ({"source_file": "scan.png"}, "real"),  # where a set's images come from
        ({"synthetic": False, "source_file": "scan.png"}, "real"),
        ({"synthetic": True}, "generated"),
        ({"synthetic": "True", "source_file": ""}, "generated"),
        ({"synthetic": True, "source_file": "scan.png"}, "edited"),
        (
            {"synthetic": True, "source_file": "made.png", "derived_from_patient": False},
            "generated",
        ),
        ({"derived_from_patient": "true"}, "edited"),
        ({"synthetic": True, "derived_from_patient": True}, "edited"),
        ({"synthetic": "no", "derived_from_patient": 0}, "real"),
    ],
)
def test_what_an_image_is(columns: dict[str, Any], expected: str) -> None:
    assert kind_of(Row(Path("a"), "a", "train", "g", extra=columns)) == expected


@every_format
def test_hostile_cells_end_in_a_file_or_a_reason(tmp_path: Path, format: str) -> None:
    hostile: list[dict[str, Any]] = [
        {
            "text": "\ud800 \x00 =cmd()",
            "generator": "\udfff",
            "prompt": "\ud800",
            "synthetic": True,
        },
        {"labels": ["a|b", "c"]},
        {"value_scale": 1e308, "value_offset": -1e308, "window_low": -1e308, "window_high": 1e308},
        {"value_scale": 1e-308, "value_offset": "x", "spacing_row": -1, "spacing_column": "nan"},
        {"instance": 1e300, "series_id": "s", "spacing_slice": -3},
        {
            "seed": 2**80,
            "x": {"a": ["\ud800"]},
            "boxes": [{"label": "\ud800", "bbox": [1, 2, 3, 4]}],
        },
        {"body_part": "hand", "view": "\\", "sex": "O", "age": 0.2, "group_id": "\ud800"},
    ]
    folder, lines = tmp_path / "d" / "train", []
    for number, cells in enumerate(hostile):
        write_png(folder / f"{number}.png", np.zeros((1, 40, 40)))
        own = {"file_name": f"{number}.png", "group_id": f"s:{number}", **cells}
        lines.append(json.dumps(own) + "\n")
    (folder / "metadata.jsonl").write_text("".join(lines))
    result = export(tmp_path / "d", format, tmp_path / "out")
    assert result.images + len(result.rejected) == len(hostile)
    assert all("separator" in reason or "slice spacing" in reason for _, reason in result.rejected)
    images = [path for path in (tmp_path / "out").rglob("*") if path.suffix in {".png", ".dcm"}]
    assert len(images) in (0, result.images)
