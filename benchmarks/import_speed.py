"""Speed and memory of `synthmed import` on two cores, against the usual loop over the same files.

What it shows, and how to read it. The files are made here: CT slices, uncompressed, ten of a
patient. Each row is a process of its own (the whole import: start, reading, PNG, tables).

- *Speed*: against a plain loop in one process (pydicom reads, Pillow writes 16-bit PNG, csv writes
  a table; no pseudonyms, splits, journal or checks). The two are run in turns; the target is 1.6
  times, and the lower end of the interval counts. Control: the same loop once more, which must not
  reach it. The import with one process is shown beside, so that it can be seen what is due to the
  second process and what to another PNG encoder.
- *Same work*: no pixel of any image is off by more than one of 65,536 levels between the two.
- *Memory flat*: from the smallest to the largest order the largest process's peak grows by less
  than half of what holding the additional images in float32 would take. Control: an import that
  keeps every image; it must fail.

All margins were set before any run.

    python -m benchmarks.import_speed --profile smoke    # never quoted
    python -m benchmarks.import_speed --profile cpu
"""

from __future__ import annotations

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

import numpy as np
from PIL import Image
from scipy.stats import t as student

from benchmarks.common import ROOT, Results, Row, Table, interval, parse, run, say, show
from benchmarks.timing import machine, paired_ratio, watched
from synthmed.errors import SynthmedError

NAME = "import_speed"
TARGET = 1.6
SPEED = {
    "plain loop": "plain",
    "synthmed import, 2 processes": "two",
    "synthmed import, 1 process": "one",
    "control: plain loop again": "plain",
}
MEMORY = {"synthmed import, 2 processes": "two", "control: keeps images": "holding"}


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        files: Files of a speed run.
        size: Their side, in pixels.
        rounds: How often each way is timed, in turns.
        orders: Files of the memory runs: small, large.
        small_size: Their side, in pixels.
        repeats: Memory runs of each order.
        look: Seconds to look at the load of other processes before a run.
    """

    files: int
    size: int
    rounds: int
    orders: tuple[int, int]
    small_size: int
    repeats: int
    look: float


PROFILES = {
    "smoke": Profile(40, 96, 2, (20, 60), 64, 2, 0.2),
    "cpu": Profile(1000, 512, 3, (1000, 10_000), 64, 3, 5.0),
    "gpu": Profile(1000, 512, 3, (1000, 10_000), 64, 3, 5.0),
}


def files(work: Path, count: int, size: int) -> Path:
    """Make the files once; give their folder."""
    folder = work / f"{count}x{size}"
    if not folder.exists():
        say(f"making {count} files of {size} x {size} pixels ...")
        command = [sys.executable, "-m", "benchmarks.import_parts", "make", str(folder)]
        subprocess.run([*command, str(count), str(size)], check=True, cwd=ROOT)
    return folder


def measure(part: str, source: Path, out: Path, look: float) -> Row:
    """Run one way of importing, in a process of its own.

    Raises:
        SynthmedError: It failed.
    """
    row: Row = {}
    report = out.with_suffix(".json")
    command = [sys.executable, "-m", "benchmarks.import_parts", part, str(source), str(out)]
    with watched(row, look):
        small = [sys.executable, "-m", "benchmarks.peak", str(report), *command]
        subprocess.run(small, check=True, cwd=ROOT)
    found = json.loads(report.read_text())
    if found["code"] != 0:
        raise SynthmedError(f"{part} failed: {found['error'].strip().splitlines()[-1]}")
    row["mebibytes"] = found["mebibytes"]
    if "withheld" not in row:
        row["seconds"] = found["seconds"]
    return row


def largest_difference(plain: Path, made: Path) -> int:
    """Give the largest difference of any pixel of all images, in levels of 65,536.

    Raises:
        SynthmedError: The two do not have the same images.
    """
    ours = {path.name: path for path in made.glob("*/images/*.png")}
    theirs = {path.name: path for path in (plain / "images").glob("*.png")}
    if set(ours) != set(theirs):
        raise SynthmedError(f"{len(ours)} images against {len(theirs)}", where=made)
    largest = 0
    for name, path in ours.items():
        pair = (np.asarray(Image.open(p), dtype=np.int64) for p in (path, theirs[name]))
        largest = max(largest, int(np.abs(next(pair) - next(pair)).max()))
    return largest


def speed_round(profile: Profile, work: Path, number: int, results: Results) -> None:
    """Time each way once; compare the images of the two."""
    lacking = [way for way in SPEED if results.lacks(f"{way}, round {number}")]
    if not lacking:
        return
    source = files(work, profile.files, profile.size)
    with tempfile.TemporaryDirectory(dir=work) as name:
        for way, part in SPEED.items():  # all again: times are compared within a round
            say(f"{way}, round {number} ...")
            out = Path(name) / f"{list(SPEED).index(way)}-{part}"
            row = measure(part, source, out, profile.look)
            results.add(f"{way}, round {number}", row)
        off = largest_difference(Path(name) / "0-plain", Path(name) / "1-two")
        results.add(f"pixels, round {number}", {"largest_difference": off})


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    facts = {"machine": machine("cpu"), "settings": asdict(profile)}
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    with tempfile.TemporaryDirectory(prefix="synthmed-benchmark-") as name:
        work = Path(name)
        for number in range(1, profile.rounds + 1):
            speed_round(profile, work, number, results)
        for repeat in range(1, profile.repeats + 1):
            for way, part in MEMORY.items():
                for count in profile.orders:
                    row = f"memory: {way}, {count} files, run {repeat}"
                    if row not in results.rows:  # memory does not depend on the load
                        say(f"{row} ...")
                        source = files(work, count, profile.small_size)
                        with tempfile.TemporaryDirectory(dir=work) as out:
                            results.add(row, measure(part, source, Path(out) / part, 0.0))
    show(tables(results.content))


def speed(content: Mapping[str, Any], way: str) -> dict[str, float | None] | None:
    """How many times faster than the plain loop, over the rounds that have both times."""
    pairs = []
    for number in range(1, content["settings"]["rounds"] + 1):
        rows = [content["rows"].get(f"{w}, round {number}", {}) for w in (way, "plain loop")]
        if all("seconds" in row for row in rows):
            pairs.append([row["seconds"] for row in rows])
    return paired_ratio(*zip(*pairs, strict=True)) if pairs else None


def growth(content: Mapping[str, Any], way: str) -> dict[str, float | None] | None:
    """How much the peak grows from the small order to the large, run by run (MiB)."""
    differences = []
    for run_number in range(1, content["settings"]["repeats"] + 1):
        names = [
            f"memory: {way}, {n} files, run {run_number}" for n in content["settings"]["orders"]
        ]
        if all(name in content["rows"] for name in names):
            small, large = (content["rows"][name]["mebibytes"] for name in names)
            differences.append(large - small)
    if len(differences) < 2:
        return None
    error = stdev(differences) / math.sqrt(len(differences))
    half = float(student.ppf(0.975, len(differences) - 1)) * error
    middle = mean(differences)
    return {"value": middle, "low": middle - half, "high": middle + half}


def flat_margin(content: Mapping[str, Any]) -> float:
    """Half of what holding the additional images in float32 takes (MiB)."""
    small, large = content["settings"]["orders"]
    return 0.5 * (large - small) * content["settings"]["small_size"] ** 2 * 4 / 2**20


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    return [_speed_table(content), _memory_table(content)]


def _speed_table(content: Mapping[str, Any]) -> Table:
    lines = []
    for way in SPEED:
        times = [
            row["seconds"]
            for name, row in content["rows"].items()
            if name.startswith(f"{way}, round ") and "seconds" in row
        ]
        found = speed(content, way) if way != "plain loop" else None
        seconds = f"{mean(times):.3g}" if times else "not yet run, or withheld"
        low = found["low"] if found else None
        verdict = "" if low is None else "yes" if low >= TARGET else "no"
        lines.append([way, seconds, interval(found) if found else "", verdict])
    off = [r["largest_difference"] for r in content["rows"].values() if "largest_difference" in r]
    count, side = content["settings"]["files"], content["settings"]["size"]
    notes = [
        f"Target: at least {TARGET} times, by the lower end of the interval. The control must not "
        "reach it.",
        f"Largest difference of any pixel, import against loop: {max(off, default='not yet run')} "
        "of 65,536 levels; more than 1 would be other work.",
    ]
    header = ["way", "wall time (s)", "times the plain loop", f"at least {TARGET}"]
    return Table(f"Import of {count} CT files of {side} x {side} pixels", header, lines, notes)


def _memory_table(content: Mapping[str, Any]) -> Table:
    lines, margin = [], flat_margin(content)
    small, large = content["settings"]["orders"]
    for way in MEMORY:
        more = growth(content, way)
        flat = "" if more is None else "yes" if float(more["high"] or 0) < margin else "no"
        lines.append([way, interval(more) if more else "not yet run", flat])
    notes = [
        f"Flat: the peak of the largest process grows by less than {margin:.3g} MiB, half of what "
        "holding the images in float32 takes. The control must fail."
    ]
    header = ["way", f"growth of the peak, {small} to {large} files (MiB)", "flat"]
    return Table("Memory of the import", header, lines, notes)


if __name__ == "__main__":
    run(main)
