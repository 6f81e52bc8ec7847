"""Folders of format version 1 keep opening and keep giving the same images.

`format_1.json` is frozen: the JSON files of such a folder, and the names and shapes of its weights.
It is never written anew; a change that breaks this test needs a new format version.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from synthmed.models.generator import Generator
from synthmed.transport import Drift, LinearPath

FROZEN: dict[str, Any] = json.loads(Path(__file__).with_name("format_1.json").read_text())
RECORDS = [{"text": "chest", "domain": "adult"}, {"text": "a rib"}, {"domain": "paediatric"}]
# every 15th value of the images of RECORDS, seeds 1 to 3, by the release that wrote format 1
EXPECTED = [
    -14.7,
    -16.9,
    -100.7,
    6.0,
    12.9,
    -25.4,
    -73.2,
    -22.3,
    4.8,
    -22.2,
    -21.2,
    51.1,
    5.9,
    -38.0,
    -93.1,
    -41.4,
    5.7,
    -15.1,
    -84.5,
    68.6,
    -34.2,
    -32.5,
    -9.5,
    3.2,
    21.1,
    -21.7,
    -35.8,
    -45.5,
    -63.8,
    9.0,
    -42.9,
    -31.9,
    -33.3,
    -29.0,
    13.8,
    -30.8,
    -21.7,
    71.2,
    -55.7,
]


def frozen_weight(name: str, shape: list[int]) -> Tensor:
    """A weight that is a function of its name and shape, on every machine."""
    count = int(torch.tensor(shape).prod())
    phase = zlib.crc32(name.encode()) % 1000
    wave = torch.sin(12.9898 * torch.arange(count, dtype=torch.float64) + phase)
    size = 1.5 / (count / shape[0]) ** 0.5 if len(shape) > 1 else 0.2
    centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
    return (centre + size * wave).float().reshape(shape)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, contents in FROZEN["files"].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(contents), encoding="utf-8")
    for name, shapes in FROZEN["weights"].items():
        weights = {key: frozen_weight(key, shape) for key, shape in shapes.items()}
        save_file(weights, tmp_path / name)
    return tmp_path


def test_the_folder_opens_with_all_that_it_says(folder: Path) -> None:
    generator = Generator.load(folder, device="cpu", dtype="float32")
    assert list(generator.conditioners) == ["text", "domain"]
    assert generator.path == LinearPath(Drift((0.1, 0.0, -0.1, 0.2), "prior"))
    assert (generator.name, generator.image_size, generator.parameters) == ("frozen", 8, 109_531)
    assert generator.hash == FROZEN["files"]["synthmed.json"]["hash"]
    assert generator.channels("chest X-ray") == 1
    assert generator.type_of("the chest") == generator.types[0]
    assert generator.known_words == {"chest"}
    assert generator.card["sampling"] == {"steps": 4, "guidance": 2.0}


def test_the_folder_gives_the_same_images_as_ever(folder: Path) -> None:
    generator = Generator.load(folder, device="cpu", dtype="float32")
    images = generator.sample(RECORDS, [1, 2, 3], steps=4, guidance=2.0)
    assert images.shape == (3, 3, 8, 8)
    values = (images.flatten()[::15] * 127.5).tolist()
    assert values == pytest.approx(EXPECTED, abs=0.5)  # grey levels


def test_what_is_saved_today_has_the_same_files_and_weights(folder: Path, tmp_path: Path) -> None:
    generator = Generator.load(folder, device="cpu", dtype="float32")
    saved = generator.save(tmp_path / "again")
    names = {file.relative_to(saved).as_posix() for file in saved.rglob("*") if file.is_file()}
    assert names == FROZEN["files"].keys() | FROZEN["weights"].keys()
    card = json.loads((saved / "synthmed.json").read_text(encoding="utf-8"))
    assert card.keys() == FROZEN["files"]["synthmed.json"].keys()
