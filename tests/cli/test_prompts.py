"""synthmed prompts: from a dataset or a YAML file to a list that generate reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from synthmed.cli.prompts import prompts
from synthmed.synthesis.prompts import read_prompts

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    app = typer.Typer()
    app.command()(prompts)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_a_dataset(run: Run, small_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    result = run(small_dataset, "--out", out, "--count", 60, "--type", "breast ultrasound")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"2 prompts for 60 images in {out}: 2 concepts, 30 each\n"
    assert {(p.text, p.count) for p in read_prompts(out)} == {
        ("breast ultrasound, benign lesion", 30),
        ("breast ultrasound, malignant lesion", 30),
    }


def test_json_and_patients_and_the_same_seed(run: Run, small_dataset: Path, tmp_path: Path) -> None:
    words = (small_dataset, "--count", 24, "--patients", "--seed", 3, "--json")
    result = run(*words, "--out", tmp_path / "a.csv")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["images"] == 24
    assert {one["image_type"] for one in facts["concepts"]} >= {"chest X-ray", "dermatoscopy"}
    run(*words, "--out", tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert any("-year-old" in p.text for p in read_prompts(tmp_path / "a.csv"))


def test_a_cap_that_ends_the_list_is_said(run: Run, small_dataset: Path, tmp_path: Path) -> None:
    result = run(small_dataset, "--out", tmp_path / "p.csv", "--count", 500, "--cap", 2)
    assert result.exit_code == 0
    made = sum(prompt.count or 0 for prompt in read_prompts(tmp_path / "p.csv"))
    assert 0 < made < 500
    assert f"for {made} images of the 500 asked for in" in result.stdout


def test_allow(run: Run, small_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    allow = "breast ultrasound: benign + malignant"
    result = run(small_dataset, "--out", out, "--count", 400, "--allow", allow)
    assert result.exit_code == 0, result.output
    assert "breast ultrasound, benign lesion, malignant lesion" in {
        p.text for p in read_prompts(out)
    }


def test_a_file_of_concepts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("knee MRI: {concepts: [tear, normal]}\n")
    result = run(tmp_path / "c.yaml", "--out", tmp_path / "p.csv", "--count", 10)
    assert result.exit_code == 0, result.output
    assert {(p.text, p.count) for p in read_prompts(tmp_path / "p.csv")} == {
        ("knee MRI, tear", 5),
        ("knee MRI, no finding", 5),
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--split", "nowhere"), "no row of split 'nowhere'"),
        (("--type", "knee"), "no image type 'knee'"),
        (("--allow", "knee: a"), "no image type 'knee'"),
    ],
)
def test_bad_options(
    run: Run, small_dataset: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    result = run(small_dataset, "--out", tmp_path / "p.csv", "--count", 4, *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "p.csv").exists()


def test_no_such_source(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path / "none", "--out", tmp_path / "p.csv", "--count", 4)
    assert result.exit_code == 2
    assert "the concepts cannot be read" in result.stderr
