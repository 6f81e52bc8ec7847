"""A run that is killed and resumed ends as an uninterrupted one, bit for bit. Real kills."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from kill_runs import kill_and_compare
from tiny_runs import write_recipe

CODEC = [
    "codec-step:2",  # before any checkpoint
    "tensors-torn:2",
    "before-renaming-to:step-00000002",
    "after-renaming-to:step-00000002",  # whole, but not yet complete
    "before-renaming-to:complete.json",
    "after-renaming-to:complete.json",  # complete: the next starts at step 2
    "codec-step:2",  # step 3
    "flushing:4",  # in the checkpoint of step 4
    "removing:step-00000002",  # which the checkpoint of step 6 makes superfluous
    "before-renaming-to:vae",
]
CACHE = ["after-renaming-to:vae", "cached:1", "counted:2", "cached:4", "counted:3"]
FLOW = [
    "flow-step:2",
    "flow-step:4",  # after the checkpoint of step 2
    "tensors-torn:3",
    "after-renaming-to:step-00000004",
    "flow-step:4",
    "before-renaming-to:generator",
]
FEW = ["tensors-torn:2", "counted:2", "flow-step:4", "after-renaming-to:step-00000004"]


def test_four_kills_change_nothing(small_dataset: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", small_dataset)
    signals = kill_and_compare(recipe, tmp_path, FEW)
    assert signals == [signal.SIGKILL] * 4


@pytest.mark.slow
def test_twenty_kills_change_nothing(small_dataset: Path, tmp_path: Path) -> None:
    points = [*CODEC, *CACHE, *FLOW]
    recipe = write_recipe(tmp_path / "r.yaml", small_dataset, steps=6)
    signals = kill_and_compare(recipe, tmp_path, points)
    assert dict(zip(points, signals, strict=True)) == dict.fromkeys(points, signal.SIGKILL)
    assert len(signals) == 21


@pytest.mark.slow
def test_kills_from_outside_at_any_time_change_nothing(small_dataset: Path, tmp_path: Path) -> None:
    # Later and later, so that the run gets on; one that comes too late finds a finished run.
    recipe = write_recipe(tmp_path / "r.yaml", small_dataset, steps=16)
    signals = kill_and_compare(recipe, tmp_path, [f"after:{0.3 + 0.3 * n:.2f}" for n in range(8)])
    assert signals.count(signal.SIGKILL) >= 3
