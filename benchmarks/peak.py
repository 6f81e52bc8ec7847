"""Run a command, write its peak memory and time: `python -m benchmarks.peak OUT COMMAND...`.

A process that is started by a large one inherits the large one's peak (Linux counts the copied
memory of the moment before `exec`), so the command is started by this small one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def peak(command: list[str]) -> dict[str, Any]:
    """Run a command to its end.

    Returns:
        `code` (exit code), `seconds` (wall time), `mebibytes` (peak resident memory) and
        `error` (the end of what it wrote to standard error).
    """
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        error = process.stderr.read()[-2000:]
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB on Linux
    return {
        "code": process.returncode,
        "seconds": seconds,
        "mebibytes": usage.ru_maxrss / unit,
        "error": error.decode(errors="replace"),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(peak(sys.argv[2:])))
