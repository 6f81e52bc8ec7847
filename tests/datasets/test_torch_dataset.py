"""TorchDataset: image, mask and boxes through one frame, in batches and for MONAI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import synthmed
from synthmed.datasets import read_dataset
from synthmed.datasets.torch_dataset import TorchDataset
from synthmed.errors import SynthmedError
from synthmed.imaging import Frame, open_image, open_mask


def index_of(dataset: TorchDataset, kind: str) -> int:
    return next(i for i, row in enumerate(dataset.rows) if kind in row.file_name)


def test_items_have_the_promised_shapes_and_ranges(small_dataset: Path) -> None:
    dataset = synthmed.TorchDataset(small_dataset, "train", 32)
    assert len(dataset) == 64
    for index in (0, 20, 40, 63):
        item = dataset[index]
        assert item["image"].shape == (3, 32, 32)
        assert item["image"].dtype == torch.float32
        assert -1 <= item["image"].min() < item["image"].max() <= 1
        assert item["mask"].shape == (32, 32)
        assert item["mask"].dtype == torch.int64
        assert item["boxes"].shape == (len(item["box_labels"]), 4)
        assert item["caption"]
        assert item["row"] is dataset.rows[index]


def test_grey_is_repeated_and_framed_as_frame_does(small_dataset: Path) -> None:
    dataset = TorchDataset(small_dataset, "train", 32)
    item = dataset[index_of(dataset, "xray")]
    x, _ = open_image(item["row"].file)
    expected = Frame(32, 48, 40).apply(x)
    assert item["frame"] == Frame(32, 48, 40)
    np.testing.assert_array_equal(item["image"], np.repeat(expected, 3, axis=0))


def test_mask_and_boxes_lie_on_the_image(small_dataset: Path) -> None:
    dataset = TorchDataset(small_dataset, "train", 32)
    item = dataset[index_of(dataset, "skin")]
    assert set(item["mask"].unique().tolist()) == {0, 255}
    lesion = item["mask"] == 255
    inner = torch.zeros(32, 32, dtype=torch.bool)
    top, left, height, width = item["frame"].inner
    inner[top : top + height, left : left + width] = True
    dark = item["image"][0] < 0.25  # halfway between lesion (-0.2) and skin (0.7)
    assert (dark[inner] == lesion[inner]).float().mean() > 0.95
    np.testing.assert_array_equal(
        lesion, item["frame"].apply_mask(open_mask(item["row"].mask_file)) == 255
    )
    item = dataset[index_of(dataset, "smear")]
    x, y, w, h = item["boxes"][-1]
    centre = item["image"][:, int(y + h / 2), int(x + w / 2)]
    assert centre[0] - centre[1] > 0.4  # a red cell on a pale ground
    assert item["box_labels"] == ["RBC"] * len(item["boxes"])


def test_unknown_masks_are_ignored_by_the_loss(small_dataset: Path) -> None:
    dataset = TorchDataset(small_dataset, "train", 32)
    mask = dataset[index_of(dataset, "xray")]["mask"]
    logits = torch.randn(1, 2, 32, 32, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits, mask[None], reduction="sum")
    assert loss.item() == 0.0


def test_batches(small_dataset: Path) -> None:
    dataset = TorchDataset(read_dataset(small_dataset), "val", 16)
    loader = DataLoader(dataset, batch_size=16, collate_fn=TorchDataset.collate)
    (batch,) = loader
    assert batch["image"].shape == (16, 3, 16, 16)
    assert batch["mask"].shape == (16, 16, 16)
    assert [row.file_name for row in batch["row"]] == [row.file_name for row in dataset.rows]
    assert len({len(boxes) for boxes in batch["boxes"]}) > 1


def test_named_masks(shared_data: Path) -> None:
    item = TorchDataset(shared_data / "chase-fundus", "val", 64)[0]
    assert sorted(item["masks"]) == ["1stHO", "2ndHO"]
    assert 0.01 < item["masks"]["1stHO"].float().mean() < 0.3  # vessels
    assert item["image"].shape == (3, 64, 64)


def test_monai_view_has_tensors_and_metadata_only(small_dataset: Path) -> None:
    dataset = TorchDataset(small_dataset, "train", 32, monai=True)
    item = dataset[index_of(dataset, "skin")]
    assert item["mask"].shape == (1, 32, 32)
    meta = item["mask_meta_dict"]
    assert Path(meta["filename_or_obj"]) == dataset.rows[index_of(dataset, "skin")].mask_file
    assert meta["affine"].equal(torch.eye(4, dtype=torch.float64))
    assert meta["spatial_shape"].tolist() == [32, 32]
    assert item["image_meta_dict"]["original_channel_dim"] == 0
    assert np.isnan(dataset[index_of(dataset, "smear")]["age"])
    keep = ("image", "mask", "caption", "age", "sex", "group_id", "image_meta_dict")
    flat = [{key: dataset[i][key] for key in keep} for i in range(8)]
    batch = torch.utils.data.default_collate(flat)
    assert batch["image"].shape == (8, 3, 32, 32)
    assert batch["image_meta_dict"]["affine"].shape == (8, 4, 4)


def test_monai_transforms_run(small_dataset: Path) -> None:
    transforms = pytest.importorskip("monai.transforms", reason="needs the extra [monai]")
    dataset = TorchDataset(small_dataset, "train", 32, monai=True)
    item = dataset[index_of(dataset, "skin")]
    chain = transforms.Compose(
        [
            transforms.ToMetaTensord(keys=["image", "mask"], allow_missing_keys=True),
            transforms.Flipd(keys=["image", "mask"], spatial_axis=1),
            transforms.RandRotate90d(keys=["image", "mask"], prob=1.0),
        ]
    )
    out = chain(item)
    assert out["image"].shape == (3, 32, 32)
    assert out["image"].meta["filename_or_obj"] == item["image_meta_dict"]["filename_or_obj"]


def test_errors(small_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match=r"no row of split 'dev'.* It has test, train, val"):
        TorchDataset(small_dataset, "dev")
    with pytest.raises(SynthmedError, match="no metadata table"):
        TorchDataset(tmp_path)


def test_reading_needs_no_torch(small_dataset: Path) -> None:
    code = (
        "import sys, synthmed; d = synthmed.read_dataset(sys.argv[1]); assert len(d.rows) == 96;"
        "assert 'TorchDataset' in dir(synthmed); assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small_dataset)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_unknown_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = synthmed.nothing
