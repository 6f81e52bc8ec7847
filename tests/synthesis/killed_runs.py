"""Run as a process: begin one dataset folder per kill point and die there, by a real SIGKILL.

    python killed_runs.py FOLDER

Prints a JSON object: kill point to the signal that ended its run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from fake_generator import FakeGenerator

from synthmed.synthesis.generate import generate
from synthmed.synthesis.prompts import Prompt

PROMPTS = [
    Prompt("chest X-ray, PA view, pneumonia", 5, id="007"),
    Prompt("dermatoscopy, melanoma on the back", 3, guidance=3.0),
]
RENAMES = 1 + 8 + 2  # the plan, the images, the table and dataset.json
POINTS = [
    *(f"{kind}-{n}" for kind in ("before", "after", "torn") for n in range(1, RENAMES + 1)),
    *(f"journal-{n}" for n in range(1, 4)),
]


def run(out: Path, model: FakeGenerator | None = None) -> Any:
    return generate(model or FakeGenerator(), PROMPTS, out, batch_size=3, progress=False)  # type: ignore[arg-type]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def prepare(kind: str, number: int) -> None:
    """Make this process kill itself at the given rename, write or journal entry."""
    calls = {"replace": 0, "write": 0, "fsync": 0}
    replace, write_bytes = os.replace, Path.write_bytes

    def dying_replace(source: Any, target: Any) -> None:
        calls["replace"] += 1
        if (kind, number) == ("before", calls["replace"]):
            die()
        replace(source, target)
        if (kind, number) == ("after", calls["replace"]):
            die()

    def dying_write(path: Path, data: bytes) -> int:
        calls["write"] += 1
        if (kind, number) == ("torn", calls["write"]):
            write_bytes(path, data[: len(data) // 2])
            die()
        return write_bytes(path, data)

    def dying_fsync(descriptor: int) -> None:
        calls["fsync"] += 1
        if (kind, number) == ("journal", calls["fsync"]):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - 9)
            die()

    os.replace, Path.write_bytes, os.fsync = dying_replace, dying_write, dying_fsync  # type: ignore[assignment,method-assign]


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    ends = {}
    for point in POINTS:
        child = os.fork()
        if child == 0:
            kind, number = point.split("-")
            prepare(kind, int(number))
            run(folder / point)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ends[point] = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    print(json.dumps(ends))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
