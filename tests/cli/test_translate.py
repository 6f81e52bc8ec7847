"""synthmed translate: the options reach the function; codes, JSON, one-line errors and warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from synthmed.cli.translate import translate
from synthmed.datasets import read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit
from synthmed.imaging.writing import write_png
from synthmed.models.codec import IdentityCodec
from synthmed.models.conditioners import LabelConditioner
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.transport.paths import LinearPath

RUNNER = CliRunner()
APP = typer.Typer()
APP.command()(translate)


def invoke(*words: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(APP, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    unet = build_unet(
        sample_size=16,
        latent_channels=3,
        condition_width=16,
        block_out_channels=(16, 16),
        attention=(True, False),
        layers_per_block=1,
        heads=1,
    )
    shares = {"low dose": 0.1, "high dose": 0.6}
    card: dict[str, Any] = {
        "name": "doses",
        "types": [{"name": "chest X-ray", "grey": True}],
        "domains": {
            name: {"images": 300, "groups": 300, "labels": {"opacity": share}}
            for name, share in shares.items()
        },
        "sampling": {"steps": 2, "guidance": 1.0},
    }
    conditioners: dict[str, Any] = {"domain": LabelConditioner(list(shares), 16)}
    made = Generator(IdentityCodec(), conditioners, unet, LinearPath(), 16, card)
    return made.save(tmp_path_factory.mktemp("model") / "doses")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("set") / "in"
    writer = DatasetWriter(out, spec_8bit(1, "PNG"))
    for number in range(3):
        name = f"images/{number}.png"
        row = Row(Path(name), name, "test", f"made:{number}", domain="low dose")
        ramp = np.linspace(-1, 1, 16 * (18 + number)).reshape(1, 16, -1)
        writer.add(row, ramp.astype(np.float32))
    writer.finish()
    return out


def test_it_writes_a_dataset_and_says_so(model: Path, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, error = invoke(
        *(model, images, "--to", "high dose", "--depth", "0.5", "--out", out, "--device", "cpu")
    )
    assert code == 0, error
    assert said == f"3 images in {out}\nlow dose to high dose at depth 0.5\n"
    warned = [line for line in error.splitlines() if "warning" in line]
    assert len(warned) == 1
    assert "opacity" in warned[0]
    rows = read_dataset(out).rows
    assert [(row.split, row.domain) for row in rows] == [("test", "high dose")] * 3
    assert rows[0].extra["steps"] == 2
    code, said, _ = invoke(
        *(model, images, "--to", "high dose", "--depth", "0.5", "--out", out, "--device", "cpu")
    )
    assert (code, said.splitlines()[0]) == (0, f"3 images in {out}, 3 of them from an earlier run")


def test_json_and_options(model: Path, images: Path, tmp_path: Path) -> None:
    code, said, _ = invoke(
        *(model, images, "--from", "low dose", "--to", "high dose", "--out", tmp_path / "o"),
        *("--depth", 0.25, "--detail", "keep", "--guidance", 2.5, "--steps", 3, "--solver"),
        *("heun", "--batch-size", 2, "--device", "cpu", "--dtype", "float32", "--json"),
    )
    assert code == 0
    facts = json.loads(said)
    assert (facts["images"], facts["made"], facts["rejected"]) == (3, 3, 0)
    assert facts["depths"] == {"low dose": 0.25}
    assert facts["target"] == "high dose"
    assert len(facts["warnings"]) == 1
    made = json.loads((tmp_path / "o" / "dataset.json").read_text())["generation"]
    assert (made["detail"], made["guidance"], made["steps"]) == ("keep", 2.5, 3)
    assert (made["solver"], made["batch_size"]) == ("heun", 2)


def test_more_rejected_images_than_allowed(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_png(folder / "good.png", np.zeros((1, 20, 20)))
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = (model, folder, "--from", "low dose", "--to", "high dose", "--depth", 0.9)
    code, said, _ = invoke(*words, "--out", tmp_path / "a", "--device", "cpu")
    assert code == 0
    assert f"1 rejected: see {tmp_path / 'a' / 'rejected.csv'}" in said
    code, said, _ = invoke(*words, "--out", tmp_path / "b", "--max-rejected", 0)
    assert code == 1
    assert "1 images in" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "any", "--depth", "0.5"], "no domain 'any' [--to]. Known: low dose, high dose."),
        (["--to", "high dose"], "no depth"),
        (["--to", "high dose", "--keep-structure", "0.9"], "synthmed calibrate"),
        (["--to", "high dose", "--match-realism"], "synthmed calibrate"),
        (["--to", "high dose", "--depth", "2"], "a depth of 2.0"),
        (["--to", "high dose", "--depth", "0.5", "--detail", "x"], "Known: model, keep."),
    ],
)
def test_errors_are_one_line(
    model: Path, images: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    code, said, error = invoke(model, images, "--out", tmp_path / "o", *options, "--json")
    assert (code, said) == (2, "")
    (line,) = [line for line in error.splitlines() if "warning" not in line]
    assert line.startswith("synthmed: error: ")
    assert message in line
