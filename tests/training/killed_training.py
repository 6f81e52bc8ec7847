"""Run as a process: train one recipe in one folder, killed again and again by a real SIGKILL.

    python killed_training.py RECIPE FOLDER POINT...

A point is `what:where` of `die_at` below, or `after:SECONDS` for a kill from outside. Each kill is
a process of its own that continues the run; the last one is left to finish. Prints a JSON list of
the signals (0: finished) and writes an uninterrupted run to FOLDER/whole, the other to FOLDER/cut.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from synthmed.training import checkpoints, latents
from synthmed.training.codec import CodecTask
from synthmed.training.flow import FlowTask
from synthmed.training.run import train


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def nth(owner: Any, name: str, number: int, moment: str) -> None:
    """Let this process die before or after the given call of a function."""
    function, calls = getattr(owner, name), 0

    def dying(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if (moment, calls) == ("before", number):
            die()
        result = function(*arguments, **keywords)
        if (moment, calls) == ("after", number):
            die()
        return result

    setattr(owner, name, dying)


def renaming(target_name: str, moment: str) -> None:
    """Let it die before or after a file or folder is renamed to this name."""
    rename = Path.rename

    def dying(path: Path, target: Any) -> Path:
        hit = Path(target).name == target_name
        if hit and moment == "before":
            die()
        renamed = rename(path, target)
        if hit:
            die()
        return renamed

    Path.rename = dying  # type: ignore[method-assign,assignment]


def tearing(number: int) -> None:
    """Let it die with the given tensor file of a checkpoint half written."""
    module: Any = checkpoints
    save_file, calls = module.save_file, 0

    def dying(tensors: Any, file: Path) -> None:
        nonlocal calls
        calls += 1
        save_file(tensors, file)
        if calls == number:
            os.truncate(file, file.stat().st_size // 2)
            die()

    module.save_file = dying


def removing(name: str) -> None:
    """Let it die with an old checkpoint half removed."""
    rmtree = shutil.rmtree

    def dying(path: Any, *arguments: Any, **keywords: Any) -> None:
        if Path(path).name == name and Path(path).is_dir():
            next(file for file in Path(path).iterdir()).unlink()
            die()
        rmtree(path, *arguments, **keywords)

    shutil.rmtree = dying  # type: ignore[assignment]


def die_at(point: str) -> None:
    """Prepare this process to die at a point."""
    what, where = point.split(":")
    kinds: dict[str, Callable[[], None]] = {
        "codec-step": lambda: nth(CodecTask, "step", int(where), "before"),
        "flow-step": lambda: nth(FlowTask, "step", int(where), "before"),
        "cached": lambda: nth(latents, "fsync_stream", int(where), "after"),
        "counted": lambda: nth(latents, "write_json", int(where), "after"),
        "flushing": lambda: nth(os, "fsync", int(where), "before"),
        "before-renaming-to": lambda: renaming(where, "before"),
        "after-renaming-to": lambda: renaming(where, "after"),
        "tensors-torn": lambda: tearing(int(where)),
        "removing": lambda: removing(where),
    }
    kinds[what]()


def child(recipe: Path, out: Path, point: str) -> int:
    """Train in a process of its own until it dies; the signal, or 0."""
    pid = os.fork()
    if pid == 0:
        try:
            if point and not point.startswith("after:"):
                die_at(point)
            train(recipe, out=out, resume=True, progress=False)
            os._exit(0)
        finally:
            os._exit(1)
    if point.startswith("after:"):
        time.sleep(float(point.split(":")[1]))
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def main(recipe: Path, folder: Path, points: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    latents._BATCH = 10  # 7 batches of training images, 2 of validation images
    signals = [child(recipe, folder / "whole", "")]
    signals += [child(recipe, folder / "cut", point) for point in [*points, ""]]
    print(json.dumps(signals))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
