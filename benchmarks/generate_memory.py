"""Peak memory and wall time of `synthmed generate` for small and large orders.

What it shows, and how to read it: images are written as they are made and never held, so an order
of 1,000 images should need the memory of one of 100, and time in proportion. Each run is a process
of its own (the whole command: start, model, images, tables); its peak resident memory is what the
kernel counted (`ru_maxrss`).

- *Memory flat*: from the smallest order to the largest, the peak grows by less than half of what
  holding the additional images in float32 would take (the upper end of the interval counts).
- *Time linear*: an additional image takes as long in the upper half of the range as in the lower
  half; the interval of the ratio lies within 0.9 and 1.1.

Both margins were set before any run. The control is the same command with a fault
(`benchmarks/leaking.py`): it keeps every image and compares each new one with all of them. It must
fail both tests; if it passes one, that test has shown nothing.

    python -m benchmarks.generate_memory --profile smoke    # never quoted
    python -m benchmarks.generate_memory --profile cpu
"""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from scipy.stats import t as student

from benchmarks.common import (
    ROOT,
    Results,
    Row,
    Table,
    interval,
    model_facts,
    model_folder,
    parse,
    run,
    say,
    show,
)
from benchmarks.timing import machine, watched
from synthmed.datasets.prompts import prompt_examples
from synthmed.errors import SynthmedError

NAME = "generate_memory"
PROGRAMS = {"synthmed generate": "synthmed.cli.main", "control: keeps images": "benchmarks.leaking"}
LINEAR = (0.9, 1.1)


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        sizes: Images of an order: small, middle, large.
        repeats: Runs of each size.
        batch: Images evaluated together; None takes the command's default.
        device: Where to compute.
        look: Seconds to look at the load of other processes before a run.
    """

    sizes: tuple[int, int, int]
    repeats: int
    batch: int | None
    device: str
    look: float


PROFILES = {
    "smoke": Profile((10, 25, 40), 2, 5, "cpu", 0.5),
    "cpu": Profile((100, 550, 1000), 3, None, "cpu", 5.0),
    "gpu": Profile((100, 550, 1000), 4, None, "cuda", 5.0),
}


def write_prompts(path: Path, card: Mapping[str, Any], count: int) -> None:
    """Write an order of `count` images over all types that the model draws."""
    examples = prompt_examples()
    names = [str(entry["name"]) for entry in card.get("types", [])] or list(examples)
    columns = [examples.get(name, [name]) for name in names]
    with open(path, "w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["prompt", "id"])
        for i in range(count):
            prompts = columns[i % len(columns)]
            table.writerow([prompts[i // len(columns) % len(prompts)], f"p{i:05d}"])


def measure(module: str, folder: Path, card: Mapping[str, Any], size: int, profile: Profile) -> Row:
    """Run the command once, in a process of its own.

    Raises:
        SynthmedError: The command failed.
    """
    row: Row = {"images": size}
    with tempfile.TemporaryDirectory(prefix="synthmed-benchmark-") as name:
        work = Path(name)
        write_prompts(work / "prompts.csv", card, size)
        command = [sys.executable, "-m", module, "generate", str(folder), "--json"]
        command += ["--prompts", str(work / "prompts.csv"), "--out", str(work / "out")]
        command += ["--device", profile.device]
        command += ["--batch-size", str(profile.batch)] if profile.batch else []
        small = [sys.executable, "-m", "benchmarks.peak", str(work / "peak.json"), *command]
        with watched(row, profile.look):
            subprocess.run(small, check=True, cwd=ROOT)
        found = json.loads((work / "peak.json").read_text())
    if found["code"] != 0:
        raise SynthmedError(f"{module} failed: {found['error'].strip().splitlines()[-1]}")
    row["mebibytes"] = found["mebibytes"]
    if "withheld" not in row:
        row["seconds"] = found["seconds"]
    return row


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    folder, card = model_folder(options.model)
    facts = {
        "machine": machine(profile.device),
        "model": model_facts(card),
        "settings": asdict(profile),
    }
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    for repeat in range(profile.repeats):
        for program, module in PROGRAMS.items():
            for size in profile.sizes:
                name = f"{program}, {size} images, run {repeat + 1}"
                if results.lacks(name):
                    say(f"{name} ...")
                    results.add(name, measure(module, folder, card, size, profile))
    show(tables(results.content))


def _runs(content: Mapping[str, Any], program: str, size: int, key: str) -> list[float]:
    """A figure of all runs of one size that have it."""
    start = f"{program}, {size} images, run "
    rows = content["rows"].items()
    return [row[key] for name, row in rows if name.startswith(start) and key in row]


def _mean(values: Sequence[float]) -> dict[str, float | None]:
    """Mean with a 95 % interval (Student's t)."""
    if len(values) < 2:
        return {"value": mean(values), "low": None, "high": None}
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return {"value": mean(values), "low": mean(values) - half, "high": mean(values) + half}


def growth(content: Mapping[str, Any], program: str) -> dict[str, float | None] | None:
    """How much the peak grows from the smallest order to the largest, run by run (MiB)."""
    small, _, large = content["settings"]["sizes"]
    pairs = zip(*(_runs(content, program, n, "mebibytes") for n in (small, large)), strict=False)
    differences = [b - a for a, b in pairs]
    return _mean(differences) if differences else None


def linearity(content: Mapping[str, Any], program: str) -> dict[str, float | None] | None:
    """Seconds of an additional image, upper half of the range over lower half, run by run."""
    sizes = small, middle, large = content["settings"]["sizes"]
    runs = zip(*(_runs(content, program, n, "seconds") for n in sizes), strict=False)
    ratios = [((c - b) / (large - middle)) / ((b - a) / (middle - small)) for a, b, c in runs]
    return _mean(ratios) if ratios else None


def flat_margin(content: Mapping[str, Any]) -> float:
    """Half of what holding the additional images in float32 takes (MiB)."""
    small, _, large = content["settings"]["sizes"]
    return 0.5 * (large - small) * 3 * content["model"]["image_size"] ** 2 * 4 / 2**20


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    return [_figures(content), _verdicts(content)]


def _figures(content: Mapping[str, Any]) -> Table:
    lines = []
    for program in PROGRAMS:
        for size in content["settings"]["sizes"]:
            peaks = _runs(content, program, size, "mebibytes")
            seconds = _runs(content, program, size, "seconds")
            lines.append(
                [
                    program,
                    str(size),
                    str(len(peaks)),
                    interval(_mean(peaks), 4) if peaks else "not yet run",
                    interval(_mean(seconds)) if seconds else "withheld" if peaks else "not yet run",
                ]
            )
    header = ["command", "images", "runs", "peak memory (MiB)", "wall time (s)"]
    return Table("Peak memory and wall time of whole commands", header, lines)


def _verdicts(content: Mapping[str, Any]) -> Table:
    lines, margin = [], flat_margin(content)
    for program in PROGRAMS:
        more, even = growth(content, program), linearity(content, program)
        lines.append(
            [
                program,
                interval(more) if more else "not yet run",
                _verdict(more, -math.inf, margin),
                interval(even) if even else "not yet run",
                _verdict(even, *LINEAR),
            ]
        )
    small, _, large = content["settings"]["sizes"]
    notes = [
        f"Flat: from {small} to {large} images the peak grows by less than {margin:.3g} MiB, half "
        "of what holding the images in float32 takes.",
        f"Linear: the ratio lies within {LINEAR[0]:g} and {LINEAR[1]:g}.",
        "The control must fail both.",
    ]
    header = ["command", "growth of the peak (MiB)", "flat", "seconds an image, late / early"]
    header.append("linear")
    return Table("Memory flat, time linear", header, lines, notes)


def _verdict(found: Mapping[str, Any] | None, low: float, high: float) -> str:
    """Whether the whole interval lies between two bounds."""
    if found is None or found["low"] is None:
        return ""
    return "yes" if low < found["low"] and found["high"] < high else "no"


if __name__ == "__main__":
    run(main)
