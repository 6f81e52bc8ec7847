"""synthmed detect: training, scores, files, exit codes."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from synthmed.cli.detect import detect
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit
from synthmed.imaging.writing import write_png


def image(number: int, synthetic: bool) -> np.ndarray:
    draw = np.random.default_rng([number, synthetic])
    x = 0.2 * draw.standard_normal((1, 16, 16))
    return np.clip(x * (0.5 if synthetic else 1), -1, 1).astype(np.float32)


def dataset(out: Path, synthetic: bool) -> Path:
    writer = DatasetWriter(out, spec_8bit(1, "PNG"), {"synthetic": synthetic})
    for number in range(50):
        name = f"{number}.png"
        row = Row(Path(name), name, "train", f"{synthetic}:{number}", image_type="chest X-ray")
        row.extra = {"generator": "tiny", "generator_hash": "abc"} if synthetic else {}
        writer.add(row, image(number, synthetic))
    writer.finish()
    return out


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    app.command()(detect)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def trained(run, tmp_path_factory):
    root = tmp_path_factory.mktemp("detect")
    real, made = dataset(root / "real", False), dataset(root / "made", True)
    words = ("--fit", "--real", real, "--synthetic", made, "--out", root / "detector")
    return run(*words, "--json"), root / "detector"


@pytest.fixture
def unknown(tmp_path):
    for number in (901, 902):
        write_png(tmp_path / "images" / f"{number}.png", image(number, number == 902))
    (tmp_path / "images" / "bad.png").write_text("x")
    return tmp_path / "images"


def test_training_says_what_it_learnt(trained) -> None:
    result, folder = trained
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["generators"] == [{"name": "tiny", "hash": "abc", "images": 50}]
    assert facts["auroc"]["value"] > 0.9
    assert "training_groups" not in facts
    assert (folder / "detector.safetensors").is_file()


def test_scores_are_printed_as_csv(run, trained, unknown) -> None:
    result = run(unknown, "--detector", trained[1])
    assert result.exit_code == 0
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["file"] for row in rows] == ["901.png", "902.png"]
    assert float(rows[1]["score"]) > float(rows[0]["score"])
    assert "trained on 50 real images of 50 groups" in result.stderr
    assert "tiny (50 images)" in result.stderr
    assert "AUROC on held-out groups" in result.stderr
    assert "rejected: bad.png: " in result.stderr
    assert "warning: the type of 2 images is not stated" in result.stderr


def test_files_are_written(run, trained, unknown, tmp_path) -> None:
    result = run(unknown, "--detector", trained[1], "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "of 2 images likely synthetic" in result.stdout
    scores = (tmp_path / "out" / "scores.csv").read_text().splitlines()
    assert scores[0] == "file,image_type,score,verdict,why"
    rejected = list(csv.DictReader((tmp_path / "out" / "rejected.csv").open()))
    assert [row["file"] for row in rejected] == ["bad.png"]
    assert rejected[0]["reason"]


def test_names_that_a_spreadsheet_would_run_are_quoted(run, trained, unknown) -> None:
    (unknown / "901.png").rename(unknown / "=1+1.png")
    result = run(unknown, "--detector", trained[1])
    assert "'=1+1.png" in result.stdout
    facts = json.loads(run(unknown, "--detector", trained[1], "--json").stdout)
    assert facts["images"][1]["file"] == "=1+1.png"


def test_json_holds_all_of_it(run, trained, unknown) -> None:
    facts = json.loads(run(unknown, "--detector", trained[1], "--json").stdout)
    assert len(facts["images"]) == 2
    assert facts["rejected"][0]["file"] == "bad.png"
    assert facts["detector"]["generators"][0]["hash"] == "abc"
    assert facts["warnings"]


def test_too_many_rejected_files_give_exit_code_1(run, trained, unknown) -> None:
    assert run(unknown, "--detector", trained[1], "--max-rejected", 1).exit_code == 0
    assert run(unknown, "--detector", trained[1], "--max-rejected", 0).exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("images",),
        ("--detector", "x"),
        ("--fit", "--real", "a"),
        ("images", "--fit", "--real", "a", "--synthetic", "b", "--out", "c"),
        ("images", "--detector", "x", "--real", "a"),
        ("images", "--detector", "nothing"),
    ],
)
def test_what_is_missing_is_said_in_one_line(run, words) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("synthmed: error: ")
    assert len(result.stderr.strip().splitlines()) == 1


def test_tampered_detectors_give_exit_code_3(run, trained, unknown, tmp_path) -> None:
    copy = Path(shutil.copytree(trained[1], tmp_path / "copy"))
    card = json.loads((copy / "detector.json").read_text())
    (copy / "detector.json").write_text(json.dumps(card | {"weights_sha256": "0" * 64}))
    assert run(unknown, "--detector", copy).exit_code == 3


def test_a_card_that_says_nothing_is_one_error(run, trained, unknown, tmp_path) -> None:
    copy = Path(shutil.copytree(trained[1], tmp_path / "copy"))
    card = json.loads((copy / "detector.json").read_text())
    del card["auroc"]
    (copy / "detector.json").write_text(json.dumps(card))
    result = run(unknown, "--detector", copy)
    assert result.exit_code == 2
    assert "does not say what it was trained on" in result.stderr
