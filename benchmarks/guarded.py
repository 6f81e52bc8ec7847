"""Call a function in a process of its own, with a time limit, and measure its peak memory.

A crash or a hang of the process is an outcome like any other; the next call starts a new one.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError


@dataclass(frozen=True)
class Outcome:
    """What came of one call.

    Attributes:
        kind: "result", "refused" (a SynthmedError), "escaped" (another exception), "crash" (the
            process died) or "hang" (the time limit passed).
        value: The result, or the message.
        seconds: Wall time.
        mebibytes: How far the process's peak memory rose above what it held before (Linux; else
            None).
    """

    kind: str
    value: Any
    seconds: float
    mebibytes: float | None


class Guarded:
    """A process that calls `module.function(*arguments)`, one call at a time.

    Args:
        function: "module:function"; arguments and results have to be picklable.
        limit: Seconds that a call may take.
    """

    def __init__(self, function: str, limit: float = 20.0) -> None:
        self.function, self.limit = function, limit
        self._process: Any = None
        self._pipe: Any = None

    def __call__(self, *arguments: Any) -> Outcome:
        """Call the function once."""
        if self._process is None:
            self._start()
        start = time.perf_counter()
        try:
            self._pipe.send(arguments)
            if not self._pipe.poll(self.limit):
                self.close()
                return Outcome("hang", f"over {self.limit} s", time.perf_counter() - start, None)
            kind, value, mebibytes = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(5)
            code = self._process.exitcode
            self.close()
            return Outcome("crash", f"exit code {code}", time.perf_counter() - start, None)
        return Outcome(kind, value, time.perf_counter() - start, mebibytes)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=serve, args=(far, self.function), daemon=True)
        self._process.start()
        far.close()
        if not self._pipe.poll(120) or self._pipe.recv() != "ready":
            raise SynthmedError("the guarded process does not start", where=self.function)


def serve(pipe: Connection, function: str) -> None:
    """Answer calls until the pipe closes; the guarded process runs this."""
    module, name = function.split(":")
    call = getattr(importlib.import_module(module), name)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what decoders print
    pipe.send("ready")
    while True:
        try:
            arguments = pipe.recv()
        except EOFError:
            return
        before = _reset_peak()
        try:
            answer = "result", call(*arguments)
        except SynthmedError as error:
            answer = "refused", str(error)
        except Exception as error:
            answer = "escaped", f"{type(error).__name__}: {error}"[:300]
        peak = _status("VmHWM")
        rise = None if peak is None or before is None else max(0.0, peak - before)
        pipe.send((*answer, rise))


def _reset_peak() -> float | None:
    """Set the process's peak memory back to what it holds now (Linux); give that, in MiB."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _status("VmRSS")


def _status(key: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(s.split()[1]) / 1024 for s in lines if s.startswith(key + ":")), None)
