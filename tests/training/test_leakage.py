"""Training refuses the same pixels in two splits and names near-duplicates, at small cost."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_runs import write_recipe

from synthmed.errors import SafetyError
from synthmed.training import leakage
from synthmed.training.data import TrainingImages, load_images
from synthmed.training.leakage import check_pixels
from synthmed.training.run import train
from synthmed.training.settings import DataSettings


def load(folder: Path, cache: Path) -> TrainingImages:
    settings = DataSettings(sources=str(folder), image_size=32)
    return load_images(settings, Path(), cache, lambda *_: None)


@pytest.fixture
def varied(tmp_path: Path) -> Path:
    """A dataset of 24 images that are all different, 64 x 48 pixels."""
    rng = np.random.default_rng(7)
    root = tmp_path / "varied"
    for split, count in (("train", 16), ("val", 4), ("test", 4)):
        (root / split).mkdir(parents=True)
        lines = []
        for number in range(count):
            name = f"{split}{number}.png"
            coarse = Image.fromarray(rng.integers(0, 255, (12, 9), np.uint8))
            coarse.resize((48, 64), Image.Resampling.BICUBIC).save(root / split / name)
            row = {"file_name": name, "group_id": f"x:{split}{number}", "image_type": "noise"}
            lines.append(json.dumps(row) + "\n")
        (root / split / "metadata.jsonl").write_text("".join(lines))
    return root


def test_different_images_pass_without_a_word(varied: Path, tmp_path: Path) -> None:
    images = load(varied, tmp_path / "cache")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_pixels(images, tmp_path / "cache")


def test_the_same_pixels_in_another_file_format_are_refused(varied: Path, tmp_path: Path) -> None:
    with Image.open(varied / "train" / "train3.png") as image:
        image.convert("RGB").save(varied / "test" / "test1.png", compress_level=1)
    images = load(varied, tmp_path / "cache")
    message = r"^the same pixels are in train and in test \[train3.png, test1.png\]"
    with pytest.raises(SafetyError, match=message):
        check_pixels(images, tmp_path / "cache")


def test_a_resized_brighter_copy_is_a_warning(varied: Path, tmp_path: Path) -> None:
    with Image.open(varied / "train" / "train5.png") as image:
        copy = image.resize((96, 128)).point(lambda v: min(255, int(v * 1.1)))
    copy.save(varied / "val" / "val2.png")
    images = load(varied, tmp_path / "cache")
    with pytest.warns(UserWarning, match=r"^1 images are nearly .*train5.png and val: val2.png"):
        check_pixels(images, tmp_path / "cache")


def test_images_of_one_grey_level_are_no_leak(varied: Path, tmp_path: Path) -> None:
    for split in ("train", "val"):
        Image.new("L", (48, 64), 9).save(varied / split / f"{split}0.png")
    check_pixels(load(varied, tmp_path / "cache"), tmp_path / "cache")


def test_fingerprints_are_made_once_and_again_for_other_files(
    varied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    images = load(varied, cache)
    check_pixels(images, cache)
    real: Callable[..., object] = leakage.fingerprint
    calls: list[int] = []
    monkeypatch.setattr(leakage, "fingerprint", lambda x: (calls.append(1), real(x))[1])
    check_pixels(images, cache)
    assert calls == []
    with Image.open(varied / "train" / "train3.png") as image:
        image.save(varied / "val" / "val1.png", compress_level=1)
    with pytest.raises(SafetyError):
        check_pixels(load(varied, cache), cache)
    assert len(calls) == 24


def test_train_looks_before_it_trains(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaking = tmp_path / "leaking"
    shutil.copytree(small_dataset, leaking)
    source = sorted((leaking / "train" / "images").glob("smear*"))[0]
    target = sorted((leaking / "val" / "images").glob("smear*"))[0]
    shutil.copy(source, target)
    monkeypatch.setattr("synthmed.training.run.ready_conditions", pytest.fail)
    with pytest.raises(SafetyError, match="the same pixels are in train and in val"):
        train(write_recipe(tmp_path / "r.yaml", leaking), out=tmp_path / "out", progress=False)
