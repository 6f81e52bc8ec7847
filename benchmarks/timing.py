"""Timings that can be trusted: the machine, its load, rates and their ratios with intervals."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from synthmed.errors import SynthmedError

MAX_LOAD = 0.5
"""No timing is written when other processes kept more than this many cores busy."""


def machine(device: str = "cpu") -> dict[str, Any]:
    """Describe the machine without naming it."""
    import torch

    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    facts: dict[str, Any] = {
        "system": platform.system(),
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "diffusers", "transformers")},
    }
    if device == "cuda":
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def _busy() -> tuple[float, float, float]:
    """Time now, CPU-seconds that all processes have used, and those of this one (s)."""
    if not Path("/proc/stat").is_file():
        raise SynthmedError("the load cannot be read", mend="Run benchmarks on Linux.")
    cells = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, cells[:8])
    ticks = user + nice + system + irq + softirq + steal
    return time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])


def _others(before: tuple[float, float, float], after: tuple[float, float, float]) -> float:
    """Cores that other processes kept busy between two readings."""
    wall, every, own = (b - a for a, b in zip(before, after, strict=True))
    return max(0.0, (every - own) / wall)


def load_before(seconds: float) -> float:
    """Cores that other processes keep busy while this one sleeps.

    The load average alone would not do: a minute after a row it still holds the row's own load.
    """
    before = _busy()
    time.sleep(seconds)
    return _others(before, _busy())


@contextmanager
def watched(row: dict[str, Any], seconds: float) -> Iterator[None]:
    """Record the load before and during a measurement; mark the row where it was too high.

    Args:
        row: Gets `load` (the load average, and cores busy with other processes before and
            during) and, above `MAX_LOAD`, `withheld`: then its timings must not be kept.
        seconds: How long to look before beginning.
    """
    average, before = os.getloadavg()[0], load_before(seconds)
    start = _busy()
    yield
    during = _others(start, _busy())
    row["load"] = {
        "average": round(average, 2),
        "others_before": round(before, 2),
        "others_during": round(during, 2),
    }
    for when, load in (("before", before), ("during", during)):
        if load > MAX_LOAD:
            row["withheld"] = f"other processes kept {load:.1f} cores busy {when} it"


def clock(work: Iterable[int]) -> tuple[list[float], list[int]]:
    """Time work that is done in pieces.

    Args:
        work: Does a piece and yields its number of images.

    Returns:
        Seconds and images of each piece.
    """
    seconds, images = [], []
    start = time.perf_counter()
    for count in work:
        now = time.perf_counter()
        seconds.append(now - start)
        images.append(count)
        start = now
    return seconds, images


def rate(seconds: Sequence[float], images: Sequence[int]) -> dict[str, float | None]:
    """Images per second with a 95 % interval.

    The standard error is the ratio estimator's over pieces (Cochran 1977, eq. 2.46); Student's t
    with pieces - 1 degrees of freedom, on the logarithm. A single piece has no interval.

    Returns:
        `value`, `low`, `high`, `error` (of the logarithm) and `pieces`.
    """
    pieces, total = len(seconds), sum(seconds)
    value = sum(images) / total
    if pieces < 2:
        return {"value": value, "low": None, "high": None, "error": None, "pieces": pieces}
    residuals = [s - n / value for s, n in zip(seconds, images, strict=True)]
    error = math.sqrt(pieces / (pieces - 1) * sum(e * e for e in residuals)) / total
    return {**_ends(value, error, pieces - 1), "error": error, "pieces": pieces}


def ratio(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, float | None]:
    """Ratio of two rates that were measured independently, with a 95 % interval (delta method)."""
    value = a["value"] / b["value"]
    if a.get("error") is None or b.get("error") is None:
        return {"value": value, "low": None, "high": None}
    error = math.hypot(a["error"], b["error"])
    return _ends(value, error, min(a["pieces"], b["pieces"]) - 1)


def paired_ratio(a: Sequence[float], b: Sequence[float]) -> dict[str, float | None]:
    """Mean ratio of two series of times that were measured in turns: seconds of `b` over `a`.

    Args:
        a: Seconds of each round.
        b: Seconds of the same rounds, for the same work.

    Returns:
        Geometric mean (how many times faster `a` is) with a 95 % interval over rounds.
    """
    logs = [math.log(y / x) for x, y in zip(a, b, strict=True)]
    mean = sum(logs) / len(logs)
    if len(logs) < 2:
        return {"value": math.exp(mean), "low": None, "high": None}
    variance = sum((x - mean) ** 2 for x in logs) / (len(logs) - 1)
    return _ends(math.exp(mean), math.sqrt(variance / len(logs)), len(logs) - 1)


def _ends(value: float, error: float, freedom: int) -> dict[str, float | None]:
    factor = math.exp(float(student.ppf(0.975, freedom)) * error)
    return {"value": value, "low": value / factor, "high": value * factor}
