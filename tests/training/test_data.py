from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_runs import spied

from synthmed.imaging import reading
from synthmed.imaging.frame import Frame
from synthmed.training import data
from synthmed.training.data import TrainingImages, load_images
from synthmed.training.settings import DataSettings


def load(dataset: Path, cache: Path, size: int = 32) -> TrainingImages:
    settings = DataSettings(sources=str(dataset), image_size=size)
    return load_images(settings, Path(), cache, lambda *_: None)


def test_images_are_framed_to_a_grey_level(images: TrainingImages) -> None:
    assert images.pixels_N3SS.shape == (96, 3, 32, 32)
    for i in (0, 30, 60, 95):
        image, _ = reading.open_image(images.rows[i].file)
        framed = np.clip(Frame.for_image(image, 32).apply(image), -1, 1)
        x = images.tensor([i])[0].numpy()
        assert np.abs(x - framed).max() <= 1 / 255 + 1e-6  # half a level of 2/255


def test_splits_types_and_greyness(images: TrainingImages) -> None:
    assert [len(images.indices(split)) for split in ("train", "val", "test")] == [64, 16, 16]
    assert images.types() == {
        "chest X-ray": True,
        "breast ultrasound": True,
        "blood smear microscopy": False,
        "dermatoscopy": False,
    }
    grey = images.tensor(np.flatnonzero(images.grey))
    assert torch.equal(grey[:, 0], grey[:, 1])
    assert torch.equal(grey[:, 0], grey[:, 2])
    colour = images.tensor(np.flatnonzero(~images.grey))
    assert not torch.equal(colour[:, 0], colour[:, 1])


def test_images_are_in_range_with_zero_and_full_levels(images: TrainingImages) -> None:
    x = images.tensor(np.arange(96))
    assert x.dtype == torch.float32
    assert float(x.min()) == -1.0  # padding
    assert float(x.max()) <= 1.0


def test_framing_happens_once(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Path] = []
    monkeypatch.setattr(data, "open_image", spied(reading.open_image, calls.append))
    first = load(small_dataset, tmp_path)
    again = load(small_dataset, tmp_path)
    assert len(calls) == 96
    assert again.key == first.key
    assert np.array_equal(first.pixels_N3SS, again.pixels_N3SS)
    assert np.array_equal(first.grey, again.grey)
    load(small_dataset, tmp_path, size=16)
    assert len(calls) == 2 * 96


def test_changed_files_are_framed_anew(small_dataset: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(small_dataset, dataset)
    first = load(dataset, tmp_path / "cache")
    file = first.rows[0].file
    shutil.copy(first.rows[30].file, file)
    os.utime(file, ns=(1, 1))
    changed = load(dataset, tmp_path / "cache")
    assert changed.key != first.key
    assert np.array_equal(changed.pixels_N3SS[0], first.pixels_N3SS[30])
    assert np.array_equal(changed.pixels_N3SS[1:], first.pixels_N3SS[1:])


def test_a_run_killed_while_framing_leaves_nothing_that_counts(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def dying(file: Path) -> object:
        nonlocal calls
        calls += 1
        if calls == 50:
            raise KeyboardInterrupt
        return reading.open_image(file)

    with monkeypatch.context() as patch:
        patch.setattr(data, "open_image", dying)
        with pytest.raises(KeyboardInterrupt):
            load(small_dataset, tmp_path)
    assert not list(tmp_path.glob("*.npy"))
    assert len(load(small_dataset, tmp_path).rows) == 96
