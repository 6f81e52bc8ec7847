"""Time and memory of fidelity, diversity and privacy distances, against prdc and scikit-learn.

What it shows, and how to read it. The features are made (768 of them, float32); each row is a
process of its own. Its time is that of the measures, without start and making; its peak memory
that of the whole process.

- *Everything*: all feature metrics with their jackknife intervals (patients of two images), KID
  over subsets, nearest and second nearest neighbours both ways, authenticity, C_T, closer share.
  Target: 2 minutes and 4 GiB for 10,000 against 10,000 on 2 cores.
- *Against prdc*: the same four numbers without intervals. Target: at least 2 times faster, by the
  lower end of the interval over rounds, at half of its peak memory at most. The two must give the
  same numbers.
- *Nearest neighbours* against scikit-learn's brute force; no target.
- *Cost against n*: everything again for smaller sets.

Targets were set before any run.

    python -m benchmarks.evaluate_speed --profile smoke    # never quoted
    python -m benchmarks.evaluate_speed --profile cpu
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.common import ROOT, Results, Row, Table, interval, parse, run, say, show
from benchmarks.timing import machine, paired_ratio, watched
from synthmed.errors import SynthmedError

NAME = "evaluate_speed"
SECONDS, GIBIBYTES = 120.0, 4.0
FASTER, LIGHTER = 2.0, 0.5
PAIRS = {
    "four numbers": ("synthmed, four numbers", "prdc"),
    "neighbours": ("synthmed, neighbours", "scikit-learn"),
}
PARTS = {
    "synthmed, four numbers": "four",
    "prdc": "prdc",
    "synthmed, neighbours": "nearest",
    "scikit-learn": "sklearn",
}


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        sizes: Images a side; the largest is that of the targets.
        width: Number of features.
        rounds: How often the pairs are timed, in turns.
        look: Seconds to look at the load of other processes before a run.
    """

    sizes: tuple[int, ...]
    width: int
    rounds: int
    look: float


PROFILES = {
    "smoke": Profile((300, 600), 32, 2, 0.2),
    "cpu": Profile((1000, 2000, 5000, 10_000), 768, 3, 5.0),
    "gpu": Profile((1000, 2000, 5000, 10_000), 768, 3, 5.0),
}


def measure(part: str, n: int, profile: Profile) -> Row:
    """Run one part in a process of its own.

    Raises:
        SynthmedError: It failed.
    """
    row: Row = {}
    with tempfile.TemporaryDirectory(prefix="synthmed-benchmark-") as name:
        report, found = Path(name) / "report.json", Path(name) / "found.json"
        command = [sys.executable, "-m", "benchmarks.evaluate_parts", part, str(n)]
        command += [str(profile.width), str(found)]
        with watched(row, profile.look):
            small = [sys.executable, "-m", "benchmarks.peak", str(report), *command]
            subprocess.run(small, check=True, cwd=ROOT)
        peak = json.loads(report.read_text())
        if peak["code"] != 0:
            raise SynthmedError(f"{part} failed: {peak['error'].strip().splitlines()[-1]}")
        made = json.loads(found.read_text())
    row |= {"images": n, "mebibytes": peak["mebibytes"], "numbers": made["numbers"]}
    if "withheld" not in row:
        row |= {"seconds": sum(made["seconds"].values()), "parts": made["seconds"]}
    return row


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    facts = {"machine": machine("cpu"), "settings": asdict(profile)}
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    for n in profile.sizes:
        if results.lacks(f"everything, {n}"):
            say(f"everything, {n} ...")
            results.add(f"everything, {n}", measure("everything", n, profile))
    for number in range(1, profile.rounds + 1):
        for ways in PAIRS.values():
            names = [f"{way}, round {number}" for way in ways]
            if any(results.lacks(name) for name in names):
                for way, name in zip(ways, names, strict=True):  # times are compared in a round
                    say(f"{name} ...")
                    results.add(name, measure(PARTS[way], profile.sizes[-1], profile))
    show(tables(results.content))


def ratio(content: Mapping[str, Any], ours: str, other: str) -> dict[str, float | None] | None:
    """How many times faster than the other, over the rounds that have both times."""
    rounds = [_round(content, number, ours, other) for number in _numbers(content)]
    pairs = [[row["seconds"] for row in rows] for rows in rounds if _timed(rows)]
    return paired_ratio(*zip(*pairs, strict=True)) if pairs else None


def _numbers(content: Mapping[str, Any]) -> range:
    return range(1, content["settings"]["rounds"] + 1)


def _round(content: Mapping[str, Any], number: int, *ways: str) -> list[Mapping[str, Any]]:
    return [content["rows"].get(f"{way}, round {number}", {}) for way in ways]


def _timed(rows: Sequence[Mapping[str, Any]]) -> bool:
    return all("seconds" in row for row in rows)


def _means(content: Mapping[str, Any], way: str, key: str) -> float | None:
    found = [row[key] for n in _numbers(content) for row in _round(content, n, way) if key in row]
    return mean(found) if found else None


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    return [_everything(content), _parts(content), _compared(content)]


def _everything(content: Mapping[str, Any]) -> Table:
    sizes, lines = content["settings"]["sizes"], []
    for n in sizes:
        row = content["rows"].get(f"everything, {n}")
        if row is None:
            lines.append([f"{n:,}", "not yet run", "", ""])
            continue
        seconds, gibibytes = row.get("seconds"), row["mebibytes"] / 1024
        reached = ""
        if n == sizes[-1] and seconds is not None:
            reached = "yes" if seconds <= SECONDS and gibibytes <= GIBIBYTES else "no"
        time = f"{seconds:.3g}" if seconds is not None else "withheld"
        lines.append([f"{n:,}", time, f"{gibibytes:.2f}", reached])
    notes = [
        f"Target for {sizes[-1]:,} against {sizes[-1]:,}: {SECONDS:g} s and {GIBIBYTES:g} GiB.",
        f"{content['settings']['width']} features. All metrics with their intervals.",
    ]
    header = ["images a side", "time (s)", "peak memory (GiB)", "reached"]
    return Table("Fidelity, diversity and privacy distances, everything", header, lines, notes)


def _parts(content: Mapping[str, Any]) -> Table:
    rows = {n: content["rows"].get(f"everything, {n}", {}) for n in content["settings"]["sizes"]}
    parts = next((list(row["parts"]) for row in rows.values() if "parts" in row), [])
    lines = [
        [part, *(f"{row['parts'][part]:.3g}" if "parts" in row else "" for row in rows.values())]
        for part in parts
    ]
    header = ["seconds of", *(f"{n:,}" for n in rows)]
    return Table("Where the time goes, by images a side", header, lines)


def _compared(content: Mapping[str, Any]) -> Table:
    lines = []
    for what, (ours, other) in PAIRS.items():
        faster = ratio(content, ours, other)
        peaks = [_means(content, way, "mebibytes") for way in (ours, other)]
        times = [_means(content, way, "seconds") for way in (ours, other)]
        share = peaks[0] / peaks[1] if peaks[0] and peaks[1] else None
        reached = ""
        if what == "four numbers" and faster and faster["low"] is not None and share is not None:
            reached = "yes" if faster["low"] >= FASTER and share <= LIGHTER else "no"
        cells = [f"{x:.3g}" if x is not None else "" for x in (*times, *peaks)]
        memory = f"{share:.2f}" if share is not None else ""
        lines.append([f"{ours} / {other}", *cells])
        lines[-1] += [interval(faster) if faster else "", memory, same(content, ours, other)]
        lines[-1].append(reached)
    notes = [
        f"Target against prdc: at least {FASTER:g} times faster by the lower end of the interval, "
        f"and at most {LIGHTER:g} of its peak memory.",
        f"{content['settings']['sizes'][-1]:,} images a side, float32 features.",
    ]
    header = ["ours / other", "ours (s)", "other (s)", "ours (MiB)", "other (MiB)"]
    header += ["times faster", "share of memory", "same numbers", "reached"]
    return Table("Against other libraries", header, lines, notes)


def same(content: Mapping[str, Any], ours: str, other: str) -> str:
    """Whether the two gave the same numbers in every round, to 1e-6 relative."""
    verdicts = []
    for number in _numbers(content):
        a, b = (row.get("numbers") for row in _round(content, number, ours, other))
        if a and b:
            verdicts.append(all(abs(x - b[key]) <= 1e-6 * abs(x) for key, x in a.items()))
    return ("yes" if all(verdicts) else "no") if verdicts else ""


if __name__ == "__main__":
    run(main)
