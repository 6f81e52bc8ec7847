"""Parquet and WebDataset: as the libraries that they are for read them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from synthmed.datasets import read_dataset
from synthmed.datasets.exporters import export
from synthmed.datasets.exporters.pixels import read_levels

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
NAMES = {"train": "train", "val": "validation", "test": "test"}


def load(folder: Path, cache: Path) -> Any:
    """Open an export as any user of Hugging Face datasets would."""
    datasets = pytest.importorskip("datasets")
    return datasets.load_dataset(str(folder), cache_dir=str(cache))


def test_datasets_opens_parquet_with_types(small_dataset: Path, tmp_path: Path) -> None:
    export(small_dataset, "parquet", tmp_path / "out")
    loaded = load(tmp_path / "out", tmp_path / "cache")
    rows = read_dataset(small_dataset).rows
    assert {name: len(split) for name, split in loaded.items()} == {
        "train": 64,
        "validation": 16,
        "test": 16,
    }
    features = loaded["train"].features
    assert [type(features[name]).__name__ for name in ("image", "mask")] == ["Image", "Image"]
    assert features["age"].dtype == "float64"
    for split, name in NAMES.items():
        for row, item in zip((r for r in rows if r.split == split), loaded[name], strict=True):
            pixels = np.asarray(item["image"])
            with Image.open(row.file) as image:
                assert np.array_equal(pixels, np.asarray(image))
            assert item["group_id"] == row.group_id
            assert item["labels"] == (list(row.labels) or None)
            assert item["age"] == row.age
            assert item["provenance"] == "real"
            assert [b["bbox"] for b in item["boxes"] or []] == [b["bbox"] for b in row.boxes]
            assert (item["mask"] is None) == (row.mask_file is None)


def test_parquet_keeps_16_bits_and_provenance(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "parquet", tmp_path / "out")
    loaded = load(tmp_path / "out", tmp_path / "cache")
    deep = 0
    rows = {r.file_name: r for r in read_dataset(mixed).rows}
    for item in (item for split in loaded.values() for item in split):
        row = rows["images/" + item["file_name"].rsplit("/", 1)[1]]
        levels, bits = read_levels(row.file)
        if bits == 16 and len(levels) == 1:
            assert np.array_equal(np.asarray(item["image"]), levels[0])
            deep += 1
        if item["provenance"] != "real":
            assert (item["synthetic"], item["generator"]) == (True, "tiny")
            assert item["prompt"] == "chest X-ray, PA view"
            assert item["codec_psnr"] == "34.1 dB"
    assert deep == 3


def test_row_groups_and_shards_are_bounded(small_dataset: Path, tmp_path: Path) -> None:
    from synthmed.datasets.exporters import parquet, shards

    export(small_dataset, "parquet", tmp_path / "a")
    assert pq.ParquetFile(next((tmp_path / "a" / "data").glob("train*"))).num_row_groups == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "_GROUP_ROWS", 10)
        patch.setattr(shards, "MAX_ROWS", 25)
        export(small_dataset, "parquet", tmp_path / "b")
        export(small_dataset, "webdataset", tmp_path / "w")
    files = sorted((tmp_path / "b" / "data").glob("train*"))
    assert [f.name for f in files] == [f"train-{n:05d}-of-00003.parquet" for n in range(3)]
    assert [pq.ParquetFile(file).num_row_groups for file in files] == [3, 3, 2]
    assert len(list((tmp_path / "w").glob("train-*.tar"))) == 3
    assert len(load(tmp_path / "b", tmp_path / "cache")["train"]) == 64


def test_webdataset_reads_the_shards(mixed: Path, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    export(mixed, "webdataset", tmp_path / "out")
    rows = {r.file_name: r for r in read_dataset(mixed).rows}
    seen = 0
    for tar in sorted((tmp_path / "out").glob("*.tar")):
        for sample in webdataset.WebDataset(str(tar), shardshuffle=False):
            cells = json.loads(sample["json"])
            row = rows["images/" + cells["file_name"].rsplit("/", 1)[1]]
            assert sample["png"] == row.file.read_bytes()
            assert ("mask.png" in sample) == (row.mask_file is not None)
            assert cells["provenance"] == row.file_name.split("/")[1].split("_")[0]
            if cells["provenance"] != "real":
                assert (cells["seed"], cells["codec_psnr"]) == (row.extra["seed"], "34.1 dB")
            with Image.open(io.BytesIO(sample["png"])) as image:
                image.load()
            seen += 1
    assert seen == 12


def test_tars_name_no_owner_and_no_time(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "webdataset", tmp_path / "out")
    for path in (tmp_path / "out").glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar.getmembers():
                assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
                assert (member.uname, member.gname) == ("", "")
                assert "." not in member.name.split("/")[0].split(".")[0]
