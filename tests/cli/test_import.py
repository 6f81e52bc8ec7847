"""synthmed import: what it says, its exit codes, its options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from synthmed.cli.import_ import import_
from synthmed.datasets import read_dataset

OPTIONS = [
    *("--allow-burned-in", "--allow-captures", "--axis", "--body-part", "--columns", "--debug"),
    *("--frames", "--from", "--group", "--images", "--jobs", "--json", "--keep-column"),
    *("--keep-description", "--licence", "--map", "--mask", "--max-rejected", "--modality"),
    *("--name", "--out", "--range", "--salt", "--seed", "--split", "--step", "--table", "--unit"),
    "--window",
]


def run(*words: object) -> Any:
    app = typer.Typer(add_completion=False)
    app.command()(import_)
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of classes: four images, one of them damaged."""
    for number, name in enumerate(["cyst/1.png", "cyst/2.png", "mass/3.png"]):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5), 9 + number, np.uint8)).save(path)
    (tmp_path / "in/mass/4.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path / "in"


def test_options_are_frozen() -> None:
    app = typer.Typer(add_completion=False)
    app.command()(import_)
    found = [o for p in typer.main.get_command(app).params for o in (*p.opts, *p.secondary_opts)]
    assert sorted(o for o in found if o.startswith("--")) == [*OPTIONS]


def test_it_says_what_it_took_and_did(source: Path, tmp_path: Path) -> None:
    result = run(source, "--out", tmp_path / "out", "--jobs", 1, "--licence", "CC0-1.0")
    assert result.exit_code == 0
    assert "taken for classes" in result.stderr
    assert "rejected mass/4.png" in result.stderr
    assert "3 images of 3 groups" in result.stdout
    assert read_dataset(tmp_path / "out").info["licences"] == ["CC0-1.0"]
    assert (tmp_path / "out.salt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("allowed", "code"), [(None, 0), (1, 0), (0, 1)])
def test_too_many_rejected_is_exit_code_1(
    source: Path, tmp_path: Path, allowed: int | None, code: int
) -> None:
    words = [] if allowed is None else ["--max-rejected", allowed]
    result = run(source, "--out", tmp_path / "out", "--jobs", 1, "--json", *words)
    assert result.exit_code == code
    assert json.loads(result.stdout)["rejected"] == 1
    assert (tmp_path / "out/dataset.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "pacs"], "no importer 'pacs'"),
        (["--axis", "axial"], "no setting 'axis'"),
        (["--split", "0.5,0.6,0"], "three shares"),
        (["--map", "labels"], "not TO=COLUMN"),
        (["--map", "labels={"], "not TO=COLUMN"),
        (["--range", "3"], "START:STOP"),
        (["--window", "west"], "LOW,HIGH"),
        (["--columns", "missing.yaml"], "cannot read these columns"),
        (["--frames", "some"], "cannot be chosen"),
        (["--from", "nifti", "--axis", "up"], "no 'up'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    source: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    result = run(source, "--out", tmp_path / "out", "--jobs", 1, *words)
    assert result.exit_code == 2
    (line,) = [ln for ln in result.stderr.splitlines() if ln.startswith("synthmed: error:")]
    assert said in line


def test_table_options_reach_the_importer(source: Path, tmp_path: Path) -> None:
    (source / "list.csv").write_text(
        "file_name,kind,who,mrn\ncyst/1.png,a;b,p1,77\ncyst/2.png,b,p1,77\nmass/3.png,c,p2,78\n"
    )
    (tmp_path / "columns.yaml").write_text("where: {kind: ['a;b', b]}\n")
    result = run(
        *(source, "--out", tmp_path / "out", "--jobs", 1, "--table", source / "list.csv"),
        *("--map", 'labels={"split": ";", "from": "kind"}', "--map", "group_id=who"),
        *("--columns", tmp_path / "columns.yaml", "--keep-column", "mrn", "--name", "site"),
    )
    assert result.exit_code == 0, result.output
    rows = read_dataset(tmp_path / "out").rows
    assert [row.labels for row in rows] == [("a", "b"), ("b",)]
    assert len({row.group_id for row in rows}) == 1
    assert rows[0].group_id.startswith("site:")
    assert rows[0].extra["mrn"] == "77"


def test_the_same_command_continues_and_two_processes_work(source: Path, tmp_path: Path) -> None:
    words = (source, "--out", tmp_path / "out", "--jobs", 2)
    assert run(*words).exit_code == 0
    again = run(*words)
    assert again.exit_code == 2
    assert "finished dataset" in again.stderr
