"""Faults planted into real images of every type: how many `synthmed validate` finds.

Into a copy of real rows of one image type it plants a patient in two splits, the same pixels in
another file format, near-duplicates (resized, re-encoded, brighter, darker), a name and a number
in a caption, an author in a PNG text and a private tag in a DICOM file. Beside what was found
stands what the same check says of the copy before anything was planted: the false alarms, or
faults that the real set has.

    python -m benchmarks.planted_faults --profile smoke
"""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.planting import Planted, copy_rows, plant, write_tables
from synthmed.datasets.rows import Row
from synthmed.datasets.validation import Finding, validate
from synthmed.training.sources import read_sources

SIZES = {"smoke": (40, 3), "cpu": (400, 5), "gpu": (400, 5)}  # images of a type, seeds
# What a planted fault may be confused with; labels out of balance are a property of the set.
ALARMS = ("group", "pixels", "near-duplicate", "duplicate", "identifier", "file-name", "header")
OTHER = ("constant", "values", "inverted", "contradiction", "text", "unreadable")


def main(argv: Sequence[str] | None = None) -> None:
    options = common.parse(__doc__, argv)
    images, seeds = SIZES[options.profile]
    facts = {"images": images, "seeds": seeds, "data": options.data.name}
    results = common.Results(
        options.results, "planted_faults", options.profile, facts, options.fresh
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = read_sources(str(options.data), common.ROOT).rows
    for kind in dict.fromkeys(row.image_type for row in rows):
        of_type = [row for row in rows if row.image_type == kind]
        for seed in range(seeds):
            name = f"{kind}, seed {seed}"
            if results.lacks(name):
                common.say(name)
                results.add(name, measure(of_type, images, seed))
    common.show(tables(results.content))


def measure(rows: Sequence[Row], images: int, seed: int) -> common.Row:
    """Validate a copy of some rows before and after faults are planted.

    Args:
        rows: Rows of one image type.
        images: Rows to take at most, whole splits in proportion.
        seed: Chooses rows and faults.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "data"
        cells = copy_rows(_some(rows, images, seed), out)
        write_tables(cells, out)
        clean = validate(out)
        planted = plant(cells, out, seed)
        found = validate(out)
    missed = [fault for fault in planted if not _names(found.findings, fault)]
    before = {(f.kind, f.where, f.message) for f in clean.findings}
    new = [f for f in found.findings if (f.kind, f.where, f.message) not in before]
    false = [f for f in new if f.kind in ALARMS and not any(_about(f, p) for p in planted)]
    return {
        "rows": clean.rows,
        "planted": dict(Counter(fault.fault for fault in planted)),
        "missed": dict(Counter(fault.fault for fault in missed)),
        "false": [f"{f.kind}: {f.where}: {f.message}" for f in false],
        "clean": {k: n for k, n in clean.counts.items() if k in (*ALARMS, *OTHER)},
    }


def tables(content: Mapping[str, Any]) -> list[common.Table]:
    """Make the tables: what was found of each fault, and the alarms on clean data."""
    rows: dict[str, common.Row] = content["rows"]
    planted, missed = Counter[str](), Counter[str]()
    clean: dict[str, Counter[str]] = {}
    checked, false = Counter[str](), 0
    for name, row in rows.items():
        planted.update(row["planted"])
        missed.update(row["missed"])
        kind = name.rsplit(", seed", 1)[0]
        clean.setdefault(kind, Counter()).update(row["clean"])
        checked[kind] += row["rows"]
        false += len(row["false"])
    found = [
        [f, str(n), str(n - missed[f]), f"{1 - missed[f] / n:.1%}"] for f, n in planted.items()
    ]
    kinds = [kind for kind in (*ALARMS, *OTHER) if any(kind in c for c in clean.values())]
    alarms = [[k, str(checked[k]), *(str(c[name]) for name in kinds)] for k, c in clean.items()]
    note = f"findings after planting that concern neither a planted nor an earlier fault: {false}"
    return [
        common.Table(
            "Planted faults found", ("fault", "planted", "found", "share"), found, (note,)
        ),
        common.Table("Findings before planting", ("image type", "rows", *kinds), alarms),
    ]


def _some(rows: Sequence[Row], images: int, seed: int) -> list[Row]:
    """Take some rows of each split, in proportion, whatever their order."""
    import random

    chosen = []
    for split in ("train", "val", "test"):
        part = [row for row in rows if row.split == split]
        least = 12 if split == "train" else 2
        take = max(least, images * len(part) // len(rows))
        chosen += random.Random(f"{seed}{split}").sample(part, min(len(part), take))
    return chosen


def _names(findings: Sequence[Finding], fault: Planted) -> bool:
    return any(f.kind == fault.kind and _about(f, fault) for f in findings)


def _about(finding: Finding, fault: Planted) -> bool:
    return fault.file in finding.where.split(", ")


if __name__ == "__main__":
    common.run(main)
