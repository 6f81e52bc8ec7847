"""2,000 damaged and hostile files: each gives a result or a reason, within bounded memory.

What it shows, and how to read it: intact files of every format are truncated, bit-flipped, spliced,
given lying sizes, damaged compressed streams, another transfer syntax or another format's first
bytes, and every eighth a hostile name;
decompression bombs, pipes, devices and loops of symbolic links come on top. Each is opened by
`open_image`, `check_image` and `image_frames` in a process of its own with a time limit, which
stands for what an importer does. Wanted: no other outcome than a result or a refusal that names
the file; the peak memory below the limit; the intact files unchanged (SHA-256).

As a control, a reader without our checks (Pillow, pydicom and nibabel as they come) reads the same
files: it shows that the files are hostile at all.

    python -m benchmarks.mutated_files --profile smoke
    python -m benchmarks.mutated_files --profile cpu
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Results, Row, Table, parse, run, say, show
from benchmarks.guarded import Guarded
from benchmarks.mutations import CHANGES, bombs, hostile_name
from benchmarks.seed_files import seed_files

NAME = "mutated_files"
COUNTS = {"smoke": 120, "cpu": 2000, "gpu": 2000}
SECONDS = 60.0  # for one file; most take some milliseconds
CONTROL_SECONDS = 10.0
MEBIBYTES = 1600.0  # rise of the peak memory: what an honest image of 64 million pixels takes
OUTCOMES = ("result", "refused", "escaped", "crash", "hang")


def read(path: bytes) -> str:
    """Do with a file what an importer does: check it, count its frames, read the first and last."""
    from synthmed.imaging.reading import check_image, image_frames, open_image

    name = os.fsdecode(path)
    spec = check_image(name)
    x, _ = open_image(name)
    last = image_frames(name) - 1
    if last > 0:
        open_image(name, frame=last)
    if not np.isfinite(x).all() or x.shape[0] != spec.channels:
        raise AssertionError("the image makes no sense")
    return spec.source_format


def read_plainly(path: bytes) -> str:
    """Read a file as the libraries come: the control."""
    from PIL import Image

    name = os.fsdecode(path)
    try:
        with Image.open(name) as image:
            return str(np.asarray(image).shape)
    except Exception:
        try:
            import pydicom

            return str(pydicom.dcmread(name, force=True).pixel_array.shape)
        except Exception:
            import nibabel

            return str(np.asarray(nibabel.load(name).dataobj).shape)


def mutants(seeds: Sequence[Path], folder: Path, count: int) -> Iterator[tuple[str, str, Path]]:
    """Make the files one by one: name, kind of damage, path."""
    special = bombs(folder / "special")
    for name, path in special.items():
        yield name, name.partition(" ")[0], path
    names = list(CHANGES)
    for number in range(count - len(special)):
        seed = seeds[number % len(seeds)]
        kind = names[number // len(seeds) % len(names)]
        draw = np.random.default_rng([number, 7])
        target = os.fsencode(folder) + b"/" + _name(seed, number)
        data = CHANGES[kind](seed.read_bytes(), draw)
        with open(target, "wb") as file:
            file.write(data)
        path = Path(os.fsdecode(target))
        yield f"{number:04d} {seed.name}", kind, path
        path.unlink()


def _name(seed: Path, number: int) -> bytes:
    """Every eighth file gets a hostile name."""
    return hostile_name(number // 8) if number % 8 == 0 else os.fsencode(seed.name)


def digest(paths: Sequence[Path]) -> str:
    """Hash files: their names and bytes."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def examine(ours: Guarded, plain: Guarded, path: Path) -> Row:
    """Read one file by our reader and by the control."""
    found, control = ours(os.fsencode(path)), plain(os.fsencode(path))
    row: Row = {"outcome": found.kind, "seconds": round(found.seconds, 3)}
    row |= {"mebibytes": found.mebibytes, "control": control.kind}
    row["control_mebibytes"] = control.mebibytes
    if found.kind != "result":
        row["reason"] = str(found.value).replace(str(path.parent), "")
        lines = row["reason"].splitlines()
        row["says_where"] = len(lines) == 1 and "[" in row["reason"] and row["reason"].isprintable()
    return row


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(__doc__, argv)
    count = COUNTS[options.profile]
    facts = {"files": count, "seconds": SECONDS, "mebibytes": MEBIBYTES}
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    ours = Guarded(f"{__package__}.mutated_files:read", SECONDS)
    plain = Guarded(f"{__package__}.mutated_files:read_plainly", CONTROL_SECONDS)
    with tempfile.TemporaryDirectory(prefix="synthmed-benchmark-") as name:
        seeds = seed_files(Path(name) / "seeds")
        before = digest(seeds)
        try:
            for label, kind, path in mutants(seeds, Path(name), count):
                if results.lacks(label):
                    results.rows[label] = {"kind": kind, **examine(ours, plain, path)}
        finally:
            ours.close()
            plain.close()
        unchanged = digest(seeds) == before
    results.add("intact files", {"kind": "intact", "unchanged": unchanged, "seeds": len(seeds)})
    say(f"{len(results.rows) - 1} files")
    show(tables(results.content))


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    rows = {name: row for name, row in content["rows"].items() if row["kind"] != "intact"}
    counts = Counter((row["kind"], row["outcome"]) for row in rows.values())
    controls = Counter((row["kind"], row["control"]) for row in rows.values())
    lines = []
    for kind in sorted({row["kind"] for row in rows.values()}):
        peaks = [row["mebibytes"] or 0.0 for row in rows.values() if row["kind"] == kind]
        loud = sum(controls[kind, outcome] for outcome in OUTCOMES[2:])
        cells = [str(counts[kind, outcome]) for outcome in OUTCOMES]
        lines.append([kind, *cells, f"{max(peaks):.0f}", str(loud)])
    header = ["damage", *OUTCOMES, "peak rise (MiB)", "control: exceptions, crashes, hangs"]
    return [Table("What came of each damaged file", header, lines, _verdicts(content, rows))]


def _verdicts(content: Mapping[str, Any], rows: Mapping[str, Row]) -> list[str]:
    bad = [n for n, r in rows.items() if r["outcome"] in OUTCOMES[2:]]
    vague = [n for n, r in rows.items() if not r.get("says_where", True)]
    peak = max((r["mebibytes"] or 0.0 for r in rows.values()), default=0.0)
    control = max((r["control_mebibytes"] or 0.0 for r in rows.values()), default=0.0)
    slow = max((r["seconds"] for r in rows.values()), default=0.0)
    unchanged = content["rows"].get("intact files", {}).get("unchanged")
    return [
        f"Other outcomes than a result or a reason: {len(bad)} {bad[:5]}",
        f"Reasons that are not one printable line with the file: {len(vague)} {vague[:5]}",
        f"Peak rise of memory: {peak:.0f} MiB, limit {content['mebibytes']:.0f}; "
        f"control {control:.0f} MiB. Slowest file: {slow:.1f} s.",
        f"Intact files unchanged: {'yes' if unchanged else 'NO'}",
    ]


if __name__ == "__main__":
    run(main)
