"""Kill training runs for real, and compare what comes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tiny_runs import contents


def kill_and_compare(recipe: Path, folder: Path, points: list[str]) -> list[int]:
    """Kill a run at each point, let it finish, compare it with an uninterrupted one.

    Returns:
        The signal that ended the process of each point, 0 for one that finished.
    """
    script = Path(__file__).with_name("killed_training.py")
    command = [sys.executable, str(script), str(recipe), str(folder), *points]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, *signals, last = json.loads(done.stdout.splitlines()[-1])
    assert first == last == 0
    whole, cut = folder / "whole", folder / "cut"
    for part in ("generator", "codec/vae", "cache"):
        assert len(contents(whole / part)) > 1
        assert contents(cut / part) == contents(whole / part)
    for stage in ("codec", "flow"):  # the optimisers' states and averages too
        kept = contents(whole / stage / "checkpoints")
        assert len([name for name in kept if name.endswith("complete.json")]) == 2
        assert contents(cut / stage / "checkpoints") == kept
    assert not [p for p in cut.rglob(".*") if p.name != ".lock"]
    return signals
