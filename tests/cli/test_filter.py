"""synthmed filter: the options reach the filter; codes, JSON, one-line errors."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from synthmed.cli.filter import filter_
from synthmed.datasets import read_dataset
from synthmed.imaging.writing import write_png
from synthmed.synthesis.generate import generate

RUNNER = CliRunner()
APP = typer.Typer()
APP.command()(filter_)


def invoke(*words: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(APP, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def made(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images of the tiny generator, the second of them blank."""
    out = tmp_path_factory.mktemp("made") / "set"
    generate(tiny, "chest X-ray", out, count=8, device="cpu", dtype="float32", progress=False)
    write_png(read_dataset(out).rows[1].file, np.zeros((1, 16, 16), np.float32))
    return out


def test_a_blank_image_is_dropped(made: Path, tmp_path: Path) -> None:
    code, out, error = invoke(made, "--out", tmp_path / "o", "--checks", "blank")
    assert (code, out) == (
        0,
        f"7 images in {tmp_path / 'o'}, 0 of them redrawn\n"
        "1 rejected: blank 1 (see rejected.csv)\n"
        "checks: blank\n",
    )
    assert "judging" in error  # the progress bar


def test_a_real_generator_draws_a_replacement(made: Path, tiny: Path, tmp_path: Path) -> None:
    words = ["--checks", "blank", "--redraw", tiny, "--device", "cpu", "--dtype", "float32"]
    code, out, error = invoke(made, "--out", tmp_path / "o", *words, "--json")
    facts = json.loads(out)
    assert (code, error) == (0, "")
    assert facts == {
        "dataset": str(tmp_path / "o"),
        "images": 8,
        "rejected": 1,
        "redrawn": 1,
        "by_check": {"blank": 1},
        "models": [],
        "warnings": [],
        "checks": ["blank"],
    }
    rows = read_dataset(tmp_path / "o").rows
    assert rows[1].file_name.endswith("-0008.png")
    with open(tmp_path / "o" / "rejected.csv", newline="") as file:
        assert [entry["check"] for entry in csv.DictReader(file)] == ["blank"]


@pytest.mark.parametrize(("most", "code"), [(0, 1), (1, 0)])
def test_more_rejected_than_allowed_is_exit_code_1(
    made: Path, tmp_path: Path, most: int, code: int
) -> None:
    words = ["--checks", "blank", "--max-rejected", most, "--json"]
    assert invoke(made, "--out", tmp_path / "o", *words)[0] == code
    assert (tmp_path / "o" / "dataset.json").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--checks", "blank,nonsense"], "unknown check 'nonsense' [--checks]. Known: blank"),
        (["--checks", " , "], "no check is named"),
        (["--checks", "near-copy"], "the check 'near-copy' needs --train"),
        (["--real", "nowhere"], "no such dataset folder [nowhere]"),
        (["--redraw", "nowhere"], "no generator here [nowhere]"),
    ],
)
def test_a_bad_call_is_one_line_and_exit_code_2(
    made: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    code, out, error = invoke(made, "--out", tmp_path / "o", *words, "--json")
    assert (code, out) == (2, "")
    assert error.startswith(f"synthmed: error: {said}")
    assert error.count("\n") == 1
    assert not (tmp_path / "o").exists()
