"""A translation that was killed continues to the same bytes; what is finished is not made again."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from killed_translations import POINTS, run
from tiny_translators import saved
from translation_sets import small_set

from synthmed.errors import SynthmedError
from synthmed.models.generator import Generator
from synthmed.synthesis import translate_batches

HERE = Path(__file__).parent


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """As in the killed processes: sums over several threads may differ in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def opened(model: Path) -> Generator:
    return Generator.load(model, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven rows of two domains, and one whose image is damaged."""
    folder = small_set(tmp_path_factory.mktemp("set") / "in")
    table = folder / "val" / "metadata.jsonl"
    lines = table.read_text().splitlines()
    bad = {**json.loads(lines[-1]), "file_name": "images/bad.png"}
    table.write_text("\n".join([*lines, json.dumps(bad)]) + "\n")
    (folder / "val" / "images" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    return folder


@pytest.fixture(scope="module")
def whole(opened: Generator, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What an uninterrupted run writes."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    run(opened, images, folder)
    return contents(folder)


@pytest.fixture(scope="module")
def killed(model: Path, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder a kill point, each left behind by a process that died by SIGKILL."""
    folder = tmp_path_factory.mktemp("killed")
    paths = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, HERE / "killed_translations.py", model, images, folder],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == dict.fromkeys(POINTS, signal.SIGKILL)
    return folder


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_continues_to_the_same_bytes(
    point: str, killed: Path, whole: dict[str, str], opened: Generator, images: Path
) -> None:
    folder = killed / point
    assert contents(folder) != whole or point.startswith("after")
    result = run(opened, images, folder)
    assert result.images == 7
    assert [file for file, _ in result.rejected] == ["val/images/bad.png"]
    assert contents(folder) == whole


def test_finished_batches_are_not_made_again(
    opened: Generator,
    images: Path,
    tmp_path: Path,
    whole: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = translate_batches.edit_parts
    calls: list[int] = []

    def tired(generator: Any, squares: Any, *rest: Any) -> Any:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(len(squares))
        return made(generator, squares, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(translate_batches, "edit_parts", tired)
        with pytest.raises(KeyboardInterrupt):
            run(opened, images, tmp_path)
    again = run(opened, images, tmp_path)
    assert calls == [3, 3]  # batches of 3: five renders, then two of site a
    assert again.made == 2
    assert contents(tmp_path) == whole


def test_an_image_that_was_changed_meanwhile_is_made_again(
    opened: Generator,
    images: Path,
    tmp_path: Path,
    whole: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from synthmed.synthesis.translate_output import Output

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Output, "finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(opened, images, tmp_path)
    (tmp_path / "train" / "images" / "001.png").write_bytes(b"")
    assert run(opened, images, tmp_path).made == 3
    assert contents(tmp_path) == whole


def test_a_finished_dataset_that_lost_images_is_not_called_complete(
    opened: Generator, images: Path, tmp_path: Path
) -> None:
    run(opened, images, tmp_path)
    again = run(opened, images, tmp_path)
    assert (again.images, again.made, len(again.rejected)) == (7, 0, 1)
    (tmp_path / "test" / "images" / "003.png").unlink()
    with pytest.raises(SynthmedError, match="the finished dataset lacks 1 of its images"):
        run(opened, images, tmp_path)


def test_changed_sources_are_another_run(opened: Generator, images: Path, tmp_path: Path) -> None:
    folder = small_set(tmp_path / "in")
    run(opened, folder, tmp_path / "out")
    image = folder / "train" / "images" / "000.png"
    image.write_bytes((folder / "train" / "images" / "001.png").read_bytes())
    with pytest.raises(SynthmedError, match="made with other settings: sources"):
        run(opened, folder, tmp_path / "out")


def test_a_foreign_folder_is_refused_and_left_alone(
    opened: Generator, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SynthmedError, match="the folder is not empty"):
        run(opened, images, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
