"""synthmed card: writes beside what it describes, refuses without licence, replaces nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from synthmed.cli.card import card

RUNNER = CliRunner()
APP = typer.Typer()
APP.command()(card)


def invoke(*words: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(APP, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def copy(small_dataset: Path, tmp_path: Path) -> Path:
    shutil.copytree(small_dataset, tmp_path / "d")
    return tmp_path / "d"


def test_a_dataset_gets_its_card_once(copy: Path) -> None:
    words = [copy, "--intended-use", "Tests."]
    assert invoke(*words) == (0, f"Card: {copy / 'README.md'}\n", "")
    assert "license: cc0-1.0" in (copy / "README.md").read_text()
    code, _, error = invoke(*words)
    assert (code, "a card is there already" in error) == (2, True)
    assert invoke(*words, "--replace", "--licence", "MIT")[0] == 0
    assert "license: mit" in (copy / "README.md").read_text()


def test_croissant(copy: Path, tmp_path: Path) -> None:
    words = [
        copy,
        "--croissant",
        "--intended-use",
        "Tests.",
        "--out",
        tmp_path / "c.json",
        "--json",
    ]
    code, out, _ = invoke(*words)
    assert code == 0
    assert json.loads(out) == {"card": str(tmp_path / "c.json"), "kind": "dataset"}
    assert json.loads((tmp_path / "c.json").read_text())["@type"] == "sc:Dataset"


def test_refused_for_safety_without_an_intended_use(copy: Path) -> None:
    code, out, error = invoke(copy)
    assert (code, out) == (3, "")
    assert error.startswith("synthmed: error: no card without an intended use")
    assert len(error.splitlines()) == 1
    assert not (copy / "README.md").exists()


def test_a_bundled_generator_has_a_card_elsewhere(tmp_path: Path) -> None:
    code, _, error = invoke("base-64")
    assert (code, "bundled generator stays" in error) == (2, True)
    assert invoke("base-64", "--out", tmp_path / "card.md")[0] == 0
    assert "pipeline_tag: text-to-image" in (tmp_path / "card.md").read_text()
    assert invoke("base-64", "--croissant", "--out", tmp_path / "c.json")[0] == 2


def test_what_is_neither_is_said(tmp_path: Path) -> None:
    code, _, error = invoke(tmp_path / "nothing")
    assert code == 2
    assert "no such dataset folder" in error
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "synthmed.json").write_text("[")
    assert invoke(tmp_path / "m")[0] == 2
