from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import PartialState
from tiny_runs import write_recipe
from workers_program import weights_after_plain_descent

from synthmed.errors import SynthmedError
from synthmed.models.generator import Generator
from synthmed.training import workers
from synthmed.training.checkpoints import load_latest


def test_one_process_does_all_of_it() -> None:
    assert workers.is_first()
    assert workers.share(7) == slice(0, 7)
    assert workers.average({"loss": 0.1}) == {"loss": 0.1}
    assert workers.agreed("yes") == "yes"
    parameter = torch.nn.Parameter(torch.zeros(3))
    parameter.grad = torch.ones(3)
    workers.average_gradients([parameter])
    assert parameter.grad.tolist() == [1.0] * 3
    with workers.first_process_first():
        workers.wait()


def test_shares_are_equal_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PartialState(), "num_processes", 4)
    monkeypatch.setattr(PartialState(), "process_index", 2)
    assert workers.share(8) == slice(4, 6)
    with pytest.raises(SynthmedError, match="a batch of 6 cannot be shared by 4 processes"):
        workers.share(6)


@pytest.mark.slow
def test_two_processes_train_one_model(small_dataset: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", small_dataset)
    program = str(Path(__file__).with_name("workers_program.py"))
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    launch += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]  # a free port
    done = subprocess.run(
        [*launch, program, str(recipe), str(tmp_path)],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    one, other = (json.loads((tmp_path / f"norms-{n}.json").read_text()) for n in (0, 1))
    assert one == other
    # Gradients are those of the whole batch, but for the order of sums.
    alone = weights_after_plain_descent(recipe, tmp_path / "run" / "cache")
    assert one == pytest.approx(alone, rel=1e-5, abs=1e-7)
    assert Generator.load(tmp_path / "run" / "generator", device="cpu").image_size == 32
    saved = load_latest(tmp_path / "run" / "flow" / "checkpoints")
    assert saved is not None
    assert saved.step == 4
