from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_generator import FakeGenerator
from killed_runs import POINTS, PROMPTS, run

from synthmed.errors import SynthmedError
from synthmed.synthesis.generate import generate

HERE = Path(__file__).parent


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What an uninterrupted run writes."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return contents(folder)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder a kill point, each left behind by a process that died by SIGKILL."""
    folder = tmp_path_factory.mktemp("killed")
    paths = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, str(HERE / "killed_runs.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert json.loads(done.stdout) == dict.fromkeys(POINTS, signal.SIGKILL)
    return folder


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_continues_to_the_same_bytes(
    point: str, killed: Path, whole: dict[str, str]
) -> None:
    folder = killed / point
    assert contents(folder) != whole or point == "after-11"
    result = run(folder)
    assert result.images == 8
    assert contents(folder) == whole


def test_finished_batches_are_not_made_again(tmp_path: Path, whole: dict[str, str]) -> None:
    class Tired(FakeGenerator):
        def sample(self, *args: Any, **options: Any) -> Any:
            if len(self.calls) == 2:
                raise KeyboardInterrupt
            return super().sample(*args, **options)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Tired())
    model = FakeGenerator()
    assert run(tmp_path, model).made == 3
    assert [call["n"] for call in model.calls] == [3]
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_an_image_that_was_lost_or_changed_is_made_again(
    damage: str, tmp_path: Path, whole: dict[str, str]
) -> None:
    class Tired(FakeGenerator):
        def sample(self, *args: Any, **options: Any) -> Any:
            if len(self.calls) == 2:
                raise KeyboardInterrupt
            return super().sample(*args, **options)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Tired())
    image = tmp_path / "train" / "007-0001.png"
    if damage == "lost":
        image.unlink()
    else:
        image.write_bytes(b"")
    assert run(tmp_path).made == 6
    assert contents(tmp_path) == whole


def test_a_finished_dataset_that_lost_images_is_not_called_complete(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / "train" / "007-0001.png").unlink()
    message = f"the finished dataset lacks 1 of its images [{tmp_path}]. Name a new folder."
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        run(tmp_path)


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"seed": 1}, "seed 0, now 1"),
        ({"steps": 6}, "steps 5, now 6"),
        ({"guidance": 2.0}, "guidance 1.5, now 2.0"),
        ({"solver": "euler"}, "solver multistep, now euler"),
        ({"batch_size": 2}, "batch_size 3, now 2"),
        ({"split": "val"}, "split train, now val"),
        ({"embed_prompt": True}, "embed_prompt False, now True"),
        ({"prompts": PROMPTS[:1]}, "images 8, now 5"),
        ({"prompts": PROMPTS[::-1]}, "the prompts differ"),
    ],
)
def test_a_folder_of_other_settings_is_refused(
    tmp_path: Path, options: dict[str, Any], difference: str
) -> None:
    run(tmp_path)
    before = contents(tmp_path)
    settings = {"prompts": PROMPTS, "batch_size": 3, **options}
    message = (
        f"the folder was made with other settings: {difference} [{tmp_path}]. "
        "Give the same command again, or name another folder."
    )
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        generate(FakeGenerator(), out=tmp_path, progress=False, **settings)  # type: ignore[arg-type]
    assert contents(tmp_path) == before


def test_a_folder_of_another_generator_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    other = FakeGenerator()
    other.hash = "e" * 64
    with pytest.raises(SynthmedError, match=r"other settings: generator_hash f{64}, now e{64} \["):
        run(tmp_path, other)


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    message = (
        f"the folder is not empty and holds no run to continue [{tmp_path}]. "
        "Name a new or empty folder."
    )
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_and_a_foreign_plan_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(SynthmedError, match=r"^the dataset folder is a file \[.*file\]\. Name a f"):
        run(file)
    (tmp_path / "plan.json").write_text('{"format": "something else"}')
    with pytest.raises(SynthmedError, match=r"^not a plan of this version \[.*plan.json\]"):
        run(tmp_path)
