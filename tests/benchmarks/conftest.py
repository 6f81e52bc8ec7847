"""A tiny untrained generator, and a list of sources with made images of its types."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the benchmarks are no part of the package

from synthmed.datasets.captions import caption  # noqa: E402
from synthmed.datasets.rows import Row  # noqa: E402
from synthmed.datasets.splits import group_hashes  # noqa: E402
from synthmed.datasets.words import vocabulary  # noqa: E402
from synthmed.datasets.writing import DatasetWriter  # noqa: E402
from synthmed.imaging.spec import spec_8bit  # noqa: E402
from synthmed.models.codec import AutoencoderCodec, build_autoencoder  # noqa: E402
from synthmed.models.denoiser import build_unet  # noqa: E402
from synthmed.models.generator import Generator  # noqa: E402
from synthmed.training.recipe import ConditionSettings  # noqa: E402
from synthmed.training.text import build_text_conditioner  # noqa: E402
from synthmed.transport.paths import LinearPath  # noqa: E402

TYPES = {"chest X-ray": "Effusion", "dermatoscopy": "melanoma"}
SIZE = 32


def made_rows() -> list[Row]:
    """Fourteen patients of each type, two images each: six in train, two in val, six in test."""
    return [
        Row(
            file=Path(f"{number}.png"),
            file_name=f"images/{image_type[:2]}-{number:02d}.png",
            split="train" if number < 12 else "val" if number < 16 else "test",
            group_id=f"{image_type}:{number // 2}",
            image_type=image_type,
            labels=(label,) if number % 3 else (),
        )
        for image_type, label in TYPES.items()
        for number in range(28)
    ]


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of one source, as `--data` takes it."""
    out = tmp_path_factory.mktemp("benchmark-data")
    writer = DatasetWriter(out / "made", spec_8bit(3, "PNG"), {"licences": ["CC0-1.0"]})
    draw = np.random.default_rng(0)
    for row in made_rows():
        grey = row.image_type == "chest X-ray"
        small = draw.uniform(-0.8, 0.8, (1 if grey else 3, 8, 8))
        writer.add(row, small.repeat(6, axis=1).repeat(6, axis=2).astype(np.float32))
    writer.finish()
    (out / "sources.yaml").write_text(yaml.safe_dump([{"path": str(out / "made")}]))
    return out / "sources.yaml"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an untrained generator of 32 pixels that diffusers opens."""
    torch.manual_seed(0)
    rows = made_rows()
    captions = [caption(row, "simple") for row in rows]
    text = build_text_conditioner(captions, ConditionSettings(width=32, layers=1, heads=2), 0)
    vae = build_autoencoder(
        image_size=SIZE, latent_channels=4, block_out_channels=(8, 16), layers_per_block=1
    )
    unet = build_unet(
        sample_size=SIZE // 2,
        latent_channels=4,
        condition_width=32,
        block_out_channels=(16, 32),
        attention=(False, True),
        layers_per_block=1,
        heads=2,
    )
    card = {
        "name": "tiny",
        "types": [{"name": name, "grey": name == "chest X-ray", "words": []} for name in TYPES],
        "known_words": sorted(vocabulary(captions)),
        "training_groups": group_hashes(row for row in rows if row.split == "train"),
    }
    generator = Generator(AutoencoderCodec(vae), {"text": text}, unet, LinearPath(), SIZE, card)
    return generator.save(tmp_path_factory.mktemp("benchmark-model") / "tiny")


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle machine, whatever else runs."""
    monkeypatch.setattr("benchmarks.timing._others", lambda before, after: 0.1)
