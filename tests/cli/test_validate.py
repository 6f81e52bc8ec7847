"""synthmed validate: exit codes, table, JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from synthmed.cli.validate import validate

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    app = typer.Typer()
    app.command()(validate)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """Eight different images, two splits."""
    root = tmp_path / "data"
    for split, count in (("train", 6), ("val", 2)):
        (root / split).mkdir(parents=True)
        lines = []
        for number in range(count):
            rng = np.random.default_rng([number, len(split)])
            coarse = Image.fromarray(rng.integers(0, 255, (9, 9), np.uint8))
            coarse.resize((64, 64), Image.Resampling.BICUBIC).save(root / split / f"{number}.png")
            row = {"file_name": f"{number}.png", "group_id": f"a:{split}{number}"}
            lines.append(json.dumps(row | {"labels": ["Effusion"], "text": "an effusion"}))
        (root / split / "metadata.jsonl").write_text("\n".join(lines))
    return root


def rewrite(folder: Path, old: str, new: str) -> None:
    table = folder / "train" / "metadata.jsonl"
    table.write_text(table.read_text().replace(old, new, 1))


def test_nothing_found(run: Run, clean: Path) -> None:
    result = run(clean)
    assert result.exit_code == 0
    assert "8 rows, nothing found" in " ".join(result.stdout.split())


def test_findings_are_exit_code_1(run: Run, clean: Path) -> None:
    rewrite(clean, "an effusion", "seen by Dr. Keller")
    result = run(clean)
    assert result.exit_code == 1
    assert "identifier" in result.stdout
    assert "8 rows, 1 findings: identifier 1" in result.stdout
    assert "Keller" not in result.stdout
    assert run(clean, "--leakage-only").exit_code == 0


def test_leakage_is_exit_code_3(run: Run, clean: Path) -> None:
    rewrite(clean, "a:train0", "a:val1")
    for words in ((clean,), (clean, "--leakage-only"), (clean, "--json")):
        assert run(*words).exit_code == 3
    assert "1 of them leakage between splits" in run(clean).stdout


def test_json(run: Run, clean: Path) -> None:
    rewrite(clean, "a:train0", "a:val1")
    facts = json.loads(run(clean, "--json").stdout)
    assert facts["rows"] == 8
    assert facts["leaks"] == 1
    assert facts["counts"] == {"group": 1}
    assert facts["findings"] == [
        {
            "kind": "group",
            "severity": "error",
            "where": "train: 0.png, val: 1.png",
            "message": "group a:val1 is in train and val",
        }
    ]


def test_the_table_shows_some_of_each_kind(run: Run, clean: Path) -> None:
    for split in ("train", "val"):
        table = clean / split / "metadata.jsonl"
        table.write_text(table.read_text().replace("an effusion", "seen by Dr. Keller"))
    result = run(clean, "--show", 2)
    assert result.stdout.count("a name with a") == 2
    assert "8 findings: identifier 8" in result.stdout


def test_control_characters_do_not_reach_the_terminal(run: Run, clean: Path) -> None:
    rewrite(clean, "a:train0", "a:val1\\u001b[2J[red]x")
    rewrite(clean, "a:train1", "a:val1\\u001b[2J[red]x")
    (clean / "val" / "metadata.jsonl").write_text(
        (clean / "val" / "metadata.jsonl").read_text().replace("a:val1", "a:val1\\u001b[2J[red]x")
    )
    result = run(clean)
    assert result.exit_code == 3
    assert "\x1b[2J" not in result.stdout
    assert "[red]x" in result.stdout.replace("\n", "")


def test_no_such_folder(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path / "none")
    assert result.exit_code == 2
    assert result.stderr.startswith("synthmed: error: no such dataset folder")


def test_the_verbs_load_nothing_before_they_run() -> None:
    program = (
        "import sys, synthmed.cli.validate, synthmed.cli.prompts\n"
        "heavy = {'torch', 'diffusers', 'pydicom', 'nibabel', 'pandas', 'scipy', 'numpy', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
