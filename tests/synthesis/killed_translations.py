"""Run as a process: begin one translation per kill point and die there, by a real SIGKILL.

    python killed_translations.py MODEL IMAGES FOLDER

Prints a JSON object: kill point to the signal that ended its run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import torch

RENAMES = 1 + 7 + 2 + 3 + 1 + 1  # plan, images, masks, tables, rejected.csv, dataset.json
POINTS = [  # 2 to 8 are images, 9 and 10 masks, 11 rejected.csv, 12 to 14 tables, 15 dataset.json
    *(f"before-{n}" for n in (1, 5, 9, RENAMES)),
    *(f"torn-{n}" for n in (2, 11, 13)),
    f"after-{RENAMES}",
    "journal-3",
]


def run(model: Any, images: Path, out: Path) -> Any:
    from synthmed.synthesis.translate import translate

    how = {"target": "site b", "depth": 0.5, "steps": 1, "batch_size": 3, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return translate(model, images, out, device="cpu", dtype="float32", **how)  # type: ignore[arg-type]


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


def main(model: Path, images: Path, folder: Path) -> None:
    import synthmed.models.generator
    import synthmed.synthesis.translate  # noqa: F401 - once, before the forks

    torch.set_num_threads(1)
    ends = {}
    for point in POINTS:
        child = os.fork()
        if child == 0:
            kind, number = point.split("-")
            prepare(kind, int(number))
            run(model, images, folder / point)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ends[point] = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    print(json.dumps(ends))


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:]))
