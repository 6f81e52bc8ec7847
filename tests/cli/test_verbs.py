from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from synthmed.cli import main
from synthmed.datasets import read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit

Run = Callable[..., "subprocess.CompletedProcess[str]"]
RUNNER = CliRunner()
CSV = (
    "id,prompt,count,guidance,negative\n"
    '001,"chest X-ray, PA view, cardiomegaly",30,,\n'
    '002,"dermatoscopy, melanoma on the back",30,3.0,chest X-ray\n'
)


def invoke(*words: object) -> tuple[str, str]:
    """Run a command line that must succeed; gives standard output and standard error."""
    result = RUNNER.invoke(main.app, [str(word) for word in words])
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of two prompts, 60 images."""
    path = tmp_path_factory.mktemp("order") / "prompts.csv"
    path.write_text(CSV)
    return path


@pytest.fixture(scope="module")
def whole(tiny: Path, order: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset that an uninterrupted run makes of it."""
    out = tmp_path_factory.mktemp("whole") / "out"
    invoke(*words(tiny, order, out))
    return out


def words(tiny: Path, order: Path, out: Path, batch_size: int = 4) -> list[object]:
    """The command line of the order."""
    start = ["generate", tiny, "--prompts", order, "--out", out, "--batch-size", batch_size]
    return [*start, "--device", "cpu", "--dtype", "float32"]


def test_generate_writes_a_dataset_and_says_so(tiny: Path, tmp_path: Path) -> None:
    out, error = invoke(
        *("generate", tiny, "--prompt", "chest X-ray, PA view", "--count", 3),
        *("--out", tmp_path / "out", "--device", "cpu", "--split", "test"),
    )
    assert out == f"3 images in {tmp_path / 'out'}\n"
    assert "images" in error  # the progress bar
    rows = read_dataset(tmp_path / "out").rows
    assert [(row.split, row.image_type) for row in rows] == [("test", "chest X-ray")] * 3
    assert rows[0].extra["steps"] == 3


def test_json_is_all_that_stands_on_standard_output(tiny: Path, tmp_path: Path) -> None:
    command = ["generate", tiny, "--prompt", "chest X-ray", "--out", tmp_path / "o", "--json"]
    out, error = invoke(*command, "--device", "cpu")
    card = json.loads((tiny / "synthmed.json").read_text())
    assert json.loads(out) == {
        "dataset": str(tmp_path / "o"),
        "images": 1,
        "made": 1,
        "types": {"chest X-ray": 1},
        "generator": "tiny",
        "generator_hash": card["hash"],
        "warnings": [],
    }
    assert error == ""


def test_the_same_command_gives_the_same_bytes(
    tiny: Path, order: Path, whole: Path, tmp_path: Path
) -> None:
    invoke(*words(tiny, order, tmp_path / "out"))
    assert contents(tmp_path / "out") == contents(whole)


def test_another_batch_size_changes_almost_nothing(
    tiny: Path, order: Path, whole: Path, tmp_path: Path
) -> None:
    invoke(*words(tiny, order, tmp_path / "out", batch_size=7))
    off, pixels = 0, 0
    for path in sorted((whole / "train").glob("*.png")):
        with Image.open(path) as one, Image.open(tmp_path / "out" / "train" / path.name) as other:
            difference = np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16))
        assert difference.max() <= 1
        off, pixels = off + int((difference > 0).sum()), pixels + difference.size
    assert pixels == 30 * 256 + 30 * 768
    assert off / pixels < 1e-3


@pytest.mark.slow
def test_a_process_that_was_interrupted_and_killed_continues_to_the_same_bytes(
    tiny: Path,
    order: Path,
    whole: Path,
    tmp_path: Path,
    synthmed_command: Callable[..., list[str]],
    environment: dict[str, str],
) -> None:
    out = tmp_path / "out"
    for least, sent in ((9, signal.SIGINT), (33, signal.SIGKILL)):
        process = subprocess.Popen(
            synthmed_command(*words(tiny, order, out), "--json"),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 120
        while len(list(out.glob("train/*.png"))) < least and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(process.pid, sent)
        text, error = process.communicate(timeout=60)
        assert text == ""
        assert not (out / "dataset.json").exists()
        if sent == signal.SIGINT:
            said = "interrupted. Give the same command again to continue."
            assert (process.returncode, error) == (130, f"synthmed: error: {said}\n")
        else:
            assert process.returncode == -signal.SIGKILL
    text, _ = invoke(*words(tiny, order, out), "--json")
    assert 0 < json.loads(text)["made"] < 60 - 32
    assert contents(out) == contents(whole)


def test_info_of_a_generator_and_of_a_dataset(tiny: Path, whole: Path) -> None:
    out, _ = invoke("info", tiny)
    assert "name: tiny" in out
    assert "type: dermatoscopy, 8 training images" in out
    card = json.loads(invoke("info", tiny, "--json")[0])
    assert card == {"kind": "generator", **json.loads((tiny / "synthmed.json").read_text())}
    out, _ = invoke("info", whole)
    assert out.startswith("rows: 60 (train 60, val 0, test 0)\n")
    assert "generator: tiny" in out
    facts = json.loads(invoke("info", whole, "--json")[0])
    assert (facts["kind"], facts["rows"]["train"]) == ("dataset", 60)


def test_info_lists_the_bundled_models(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmed.models.bundled.WEIGHTS", tiny.parent)
    out, _ = invoke("info")
    lines = out.splitlines()
    assert lines[0].startswith("tiny: 16 x 16 pixels, 0.")
    assert lines[0].endswith(" M parameters, CC0-1.0")
    assert lines[1:] == ["  chest X-ray", "  dermatoscopy"]
    models = json.loads(invoke("info", "--json")[0])["models"]
    assert models["tiny"]["types"] == ["chest X-ray", "dermatoscopy"]
    assert invoke("info", "tiny") == invoke("info", tiny)


def test_info_of_what_is_neither(tmp_path: Path) -> None:
    result = RUNNER.invoke(main.app, ["info", str(tmp_path)])
    assert (result.exit_code, result.stdout, result.stderr) == (
        2,
        "",
        "synthmed: error: neither a generator (synthmed.json) nor a dataset (dataset.json) "
        f"[{tmp_path}]. synthmed info lists the bundled models.\n",
    )
    (tmp_path / "dataset.json").write_text("[")
    result = RUNNER.invoke(main.app, ["info", str(tmp_path)])
    assert result.stderr == (
        f"synthmed: error: not a readable JSON object [{tmp_path / 'dataset.json'}]\n"
    )


def test_demo_says_where_to_look(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthmed.models.bundled.WEIGHTS", tiny.parent)
    (tiny.parent / "base-64").symlink_to(tiny)
    out, _ = invoke("demo", "--out", tmp_path / "demo", "--images", 6)
    lines = out.splitlines()
    assert lines[0] == "6 synthetic images of 2 types"
    for line in lines[1:]:
        assert Path(line.split(maxsplit=2)[-1].strip()).exists() or "dataset" in line
    for name in ("index.html", "contact_sheet.png", "dataset.json", "plan.json"):
        assert (tmp_path / "demo" / name).is_file()
    facts = json.loads(invoke("demo", "--out", tmp_path / "demo", "--images", 6, "--json")[0])
    assert facts["types"] == {"chest X-ray": 3, "dermatoscopy": 3}
    assert Path(facts["page"]) == tmp_path / "demo" / "index.html"
    page = (tmp_path / "demo" / "index.html").read_text()
    assert "synthmed demo --out demo --images 6" in page


def test_train_passes_the_recipe_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def train(recipe: Path, **options: object) -> Path:
        calls.append((recipe, options))
        return tmp_path / "run" / "generator"

    monkeypatch.setattr("synthmed.training.run.train", train)
    command = ["train", "r.yaml", "--set", "seed=1", "--set", "flow.batch_size=8", "--resume"]
    out, _ = invoke(*command, "--out", tmp_path / "run", "--json")
    assert json.loads(out) == {"generator": str(tmp_path / "run" / "generator")}
    overrides = ["seed=1", "flow.batch_size=8"]
    expected = {"out": tmp_path / "run", "overrides": overrides, "resume": True, "progress": False}
    assert calls == [(Path("r.yaml"), expected)]
    out, _ = invoke("train", "r.yaml")
    assert out == f"Generator: {tmp_path / 'run' / 'generator'}\n"
    expected = {"out": None, "overrides": [], "resume": False, "progress": True}
    assert calls[1] == (Path("r.yaml"), expected)


def test_info_counts_the_domains_of_a_dataset_by_split(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "set", spec_8bit(1, "PNG"), {})
    for n, (split, domain) in enumerate(
        [("train", "a"), ("train", "a"), ("val", "a"), ("train", "b")]
    ):
        row = Row(Path(f"{n}.png"), f"{n}.png", split, f"s:{n // 2}", domain=domain)
        writer.add(row, np.zeros((1, 8, 8), np.float32))
    writer.finish()
    out, _ = invoke("info", tmp_path / "set")
    assert "domain: a, train 2 of 1 groups, val 1 of 1 groups" in out.splitlines()
    assert "domain: b, train 1 of 1 groups" in out.splitlines()


def test_info_names_the_domains_of_a_generator_and_what_is_calibrated(tmp_path: Path) -> None:
    card = {
        "name": "shift",
        "domains": {"a": {"images": 9, "groups": 4}},
        "calibration": {"pairs": [{"source": "a", "target": "b"}]},
    }
    (tmp_path / "synthmed.json").write_text(json.dumps(card))
    out, _ = invoke("info", tmp_path)
    assert "domain: a, 9 training images of 4 groups" in out.splitlines()
    assert "calibrated: a to b" in out.splitlines()
