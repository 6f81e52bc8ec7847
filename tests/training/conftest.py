"""What the tests of training share: tiny recipes, a finished tiny run, images in memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from domain_sets import write_domains
from tiny_runs import write_recipe

from synthmed.training.data import TrainingImages, load_images
from synthmed.training.run import train
from synthmed.training.settings import DataSettings


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_recipe(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of a few steps on the small dataset, 32 pixels."""
    return write_recipe(tmp_path_factory.mktemp("recipe") / "tiny.yaml", small_dataset)


@pytest.fixture(scope="session")
def tiny_run(tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `tiny_recipe`. Read only."""
    out = tmp_path_factory.mktemp("run") / "tiny"
    train(tiny_recipe, out=out, progress=False)
    return out


@pytest.fixture(scope="session")
def images(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingImages:
    """The small dataset, framed at 32 pixels."""
    settings = DataSettings(sources=str(small_dataset), image_size=32)
    cache = tmp_path_factory.mktemp("images")
    return load_images(settings, Path(), cache, lambda *_: None)


@pytest.fixture(scope="session")
def domain_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset folder of `domain_sets.write_domains`. Read only."""
    return write_domains(tmp_path_factory.mktemp("domains") / "domains")


@pytest.fixture(scope="session")
def domain_images(domain_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingImages:
    """The images of three domains, framed at 32 pixels."""
    settings = DataSettings(sources=str(domain_dataset), image_size=32)
    return load_images(settings, Path(), tmp_path_factory.mktemp("images"), lambda *_: None)
