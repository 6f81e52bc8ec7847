"""synthmed calibrate and the curves in synthmed card, on a tiny generator."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "synthesis"))

from calibration_sets import generator_folder, stored, write_domains

from synthmed.cli.calibrate import calibrate
from synthmed.cli.card import card

RUNNER = CliRunner()
QUICK = ["--depths", "0,1", "--steps", "1", "--extractor", "pixels-16", "--device", "cpu"]
USE = ["--intended-use", "Tests."]


def invoke(verb: object, *words: object) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(verb)  # type: ignore[type-var]
    result = RUNNER.invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_domains(tmp_path_factory.mktemp("images") / "d")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generator_folder(tmp_path_factory.mktemp("model") / "m")


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "m"))


def test_pairs_are_measured_and_drawn_in_the_card(model: Path, images: Path) -> None:
    pairs = "render:site a,site a:site b"
    code, out, error = invoke(calibrate, model, images, "--pairs", pairs, "--json", *QUICK)
    assert code == 0
    assert "few patients" in error
    facts = json.loads(out)
    assert facts["pairs"] == [["render", "site a"], ["site a", "site b"]]
    assert facts["card"] == str(model / "synthmed.json")
    assert stored(model)["calibration"]["pairs"][0]["depths"] == [0.0, 1.0]
    code, out, error = invoke(card, model, *USE)
    assert (code, error) == (0, "")
    assert out == f"Card: {model / 'README.md'}\nPlot: {model / 'calibration.svg'}\n"
    text = (model / "README.md").read_text()
    assert "](calibration.svg)" in text
    assert "| render | site a | 10 (10) | 10 (10) |" in text
    assert "| render | 40 | 40 | pneumonia 0.50 |" in text
    assert (model / "calibration.svg").read_text().startswith("<?xml")


def test_words_for_people(model: Path, images: Path, tmp_path: Path) -> None:
    few = write_domains(tmp_path / "few", {"site b": 3})
    code, out, _ = invoke(calibrate, model, few, *QUICK)
    assert code == 0
    assert "render to site a: calibrated" in out
    assert "render to site b: left out: too few images: site b has 3 images" in out


def test_a_card_without_calibration_has_no_picture(model: Path) -> None:
    code, out, _ = invoke(card, model, *USE, "--json")
    assert (code, set(json.loads(out))) == (0, {"card", "kind"})
    assert not (model / "calibration.svg").exists()
    assert "Translation between domains" not in (model / "README.md").read_text()


def test_a_damaged_calibration_costs_the_curves_not_the_card(model: Path) -> None:
    file = model / "synthmed.json"
    broken = {"format": 2, "pairs": [{"source": "x"}]}
    file.write_text(json.dumps({**stored(model), "calibration": broken}))
    code, _, error = invoke(card, model, *USE)
    assert code == 0
    assert "the card has no curves: the generator's calibration is damaged" in error
    assert (model / "README.md").exists()
    assert not (model / "calibration.svg").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pairs", "render:site c"], "no pair of the model's domains is called 'render:site c'"),
        (["--depths", "a,b"], "the depths are not numbers"),
        (["--depths", "0,2"], "not numbers from 0 to 1"),
        (["--split", "test"], "no image of split test"),
    ],
)
def test_bad_options_are_one_line(
    model: Path, images: Path, words: list[str], message: str
) -> None:
    code, out, error = invoke(calibrate, model, images, *QUICK, *words)
    assert (code, out) == (2, "")
    assert message in error
    assert len(error.splitlines()) == 1


def test_training_patients_are_refused_with_code_3(images: Path, tmp_path: Path) -> None:
    seen = generator_folder(tmp_path / "m", ("render:p00",))
    code, _, error = invoke(calibrate, seen, images, *QUICK)
    assert code == 3
    assert "trained on 1 of these 30 patients" in error
    code, _, error = invoke(calibrate, tmp_path / "no", images, "--pairs", "a:b")
    assert (code, "no generator that has domains" in error) == (2, True)
