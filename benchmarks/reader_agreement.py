"""Every file of pydicom's own test data and of shared/data/dicom-samples, read or refused.

What it shows, and how to read it: each file is read by synthmed in a process of its own with a
time limit. What is read is compared pixel by pixel with dcmtk's dcm2pnm and with SimpleITK, where
these read the file too (first and last frame; values in the file's unit, before any display
window). What is refused is looked up with pydicom's plain reader: the reason has to hold.

Margins: lossless coding agrees to rounding (half a level; a whole one where a rescale gives
fractions); lossy coding, and colour converted from luminance and chrominance, to four grey levels
of 255 in 99 % of the pixels. As a control each comparison is repeated with the image upside down,
which must not agree (symmetric images aside).

The files come from the installed pydicom; nothing is downloaded. The pictures of shared/data are
left out where they are absent. The profiles differ in the number of files only.

    python -m benchmarks.reader_agreement --profile smoke
    python -m benchmarks.reader_agreement --profile cpu
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, Results, Row, Table, parse, run, say, show
from benchmarks.guarded import Guarded
from benchmarks.other_readers import LOSSY, dcm2pnm, disagreement

NAME = "reader_agreement"
SHARED = ROOT.parent / "shared/data/dicom-samples/dicom"
EVERY = {"smoke": 12, "cpu": 1, "gpu": 1}  # every how many-th file
Facts = Mapping[str, Any]


def files() -> dict[str, Path]:
    """All files by name: pydicom's data folder, and the shared samples."""
    import pydicom.data

    root = Path(pydicom.data.__file__).parent
    found = {
        f"pydicom/{path.relative_to(root).as_posix()}": path
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    shared = sorted(SHARED.glob("*")) if SHARED.is_dir() else []
    return found | {f"dicom-samples/{path.name}": path for path in shared}


# Part of the refusal -> whether pydicom's own reading of the file bears it out.
REASONS: dict[str, Callable[[Facts], bool]] = {
    "is no DICOM file": lambda f: "unreadable" in f or not f["magic"],
    "has no pixel data": lambda f: "unreadable" not in f and not f["pixel_bytes"],
    "header lacks BitsAllocated": lambda f: f["BitsAllocated"] is None,
    "cannot be read without loss": lambda f: f["BitsStored"] > 16,
    "cut short": lambda f: f["pixel_bytes"] < _needed(f),
    "not encapsulated": lambda f: f["syntax"].startswith("1.2.840.10008.1.2.4") and _plain(f),
    "extended process": lambda f: f["syntax"].endswith("4.51") and f["BitsStored"] == 12,
    "the compressed frame": lambda f: not _plain(f) and _other_size(f),
}


def _needed(facts: Facts) -> int:
    samples, frames = facts["SamplesPerPixel"] or 1, int(facts["NumberOfFrames"] or 1)
    return facts["Rows"] * facts["Columns"] * samples * frames * facts["BitsAllocated"] // 8


def _plain(facts: Facts) -> bool:
    return not facts["head"].startswith("feff00e0")


def _other_size(facts: Facts) -> bool:
    """Whether the JPEG 2000 header (SIZ) names another size than the DICOM header."""
    stream = bytes.fromhex(facts["head"]).partition(b"\xff\x4f\xff\x51")[2]
    x1, y1, x0, y0 = (int.from_bytes(stream[4 + 4 * i : 8 + 4 * i], "big") for i in range(4))
    return (y1 - y0, x1 - x0) != (facts["Rows"], facts["Columns"])


def examine(path: Path, read: Guarded, itk: Guarded, plain: Guarded) -> Row:
    """Read one file by all readers; the row says how they agree."""
    first = read(str(path), 0)
    row: Row = {"outcome": first.kind, "mebibytes": first.mebibytes}
    if first.kind == "refused":
        row["reason"] = str(first.value).replace(str(path), path.name)
        facts = plain(str(path))
        row["reason_holds"] = facts.kind == "result" and _holds(row["reason"], facts.value)
        return row
    if first.kind != "result":
        return row | {"reason": str(first.value)}
    frames = first.value["frames"]
    row |= {"frames": frames, "unit": first.value["spec"]["unit"]}
    facts = plain(str(path)).value
    ybr = str(facts.get("PhotometricInterpretation")).startswith("YBR_FULL")
    row["lossy"] = facts.get("syntax") in LOSSY or ybr
    readings = [(0, first), *([(frames - 1, read(str(path), frames - 1))] if frames > 1 else [])]
    for reader in ("dcm2pnm", "SimpleITK"):
        row[reader] = [_compare(path, reader, n, found, itk, row["lossy"]) for n, found in readings]
    return row


def _holds(reason: str, facts: Facts) -> bool:
    return any(part in reason and bool(test(facts)) for part, test in REASONS.items())


def _compare(
    path: Path, reader: str, frame: int, found: Any, itk: Guarded, lossy: bool
) -> dict[str, str]:
    """Compare one frame with one other reader, and with that reader's image turned (control)."""
    if found.kind != "result":
        return {"verdict": f"we do not read frame {frame}: {found.value}"}
    values, spec = found.value["values"], found.value["spec"]
    if reader == "SimpleITK":
        if spec["unit"] == "LUT value":
            return {"verdict": "not read by it"}  # it applies no modality LUT
        outcome = itk(str(path), frame, spec)
        other = outcome.value if outcome.kind == "result" else None
    else:
        other = dcm2pnm(str(path), frame, spec)
    if other is None:
        return {"verdict": "not read by it"}
    span = 2 * abs(spec["scale"])
    verdict = disagreement(values, other[0], other[1], span, lossy) or "agrees"
    turned = disagreement(values, other[0][:, ::-1], other[1], span, lossy)
    same = disagreement(values, values[:, ::-1], other[1], span, lossy) is None
    control = "symmetric" if same else "found" if turned else "missed"
    return {"verdict": verdict, "control": control}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(__doc__, argv)
    chosen = dict(list(files().items())[:: EVERY[options.profile]])
    facts = {"files": len(chosen), "versions": versions()}
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    module = "benchmarks.other_readers"
    guards = [Guarded(f"{module}:{name}") for name in ("ours", "simple_itk", "header_facts")]
    try:
        for name, path in chosen.items():
            if results.lacks(name):
                results.add(name, examine(path, *guards))
    finally:
        for guard in guards:
            guard.close()
    say(f"{len(results.rows)} files")
    show(tables(results.content))


def versions() -> dict[str, str]:
    """Versions of the libraries that read."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("pydicom", "python-gdcm", "pylibjpeg-openjpeg", "pillow", "SimpleITK"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    rows = content["rows"]
    counts: Counter[tuple[str, str]] = Counter()
    notes = []
    for name, row in rows.items():
        source = name.partition("/")[0]
        kinds = _kinds(row)
        counts.update((kind, source) for kind in kinds)
        if {"read, another reader disagrees", "refused, reason not borne out"} & set(kinds) or row[
            "outcome"
        ] in ("crash", "hang", "escaped"):
            notes.append(f"{name}: {_why(row)}")
    sources = sorted({name.partition("/")[0] for name in rows})
    lines = [[kind, *(str(counts[kind, source]) for source in sources)] for kind in KINDS]
    lines.append(["files", *(str(sum(n.startswith(s + "/") for n in rows)) for s in sources)])
    missed = sum(c.get("control") == "missed" for row in rows.values() for c in _comparisons(row))
    made = sum(c.get("control") == "found" for row in rows.values() for c in _comparisons(row))
    notes.append(
        f"Control (the other image upside down): found {made} times, missed {missed} times."
    )
    return [Table("What came of each file", ["outcome", *sources], lines, notes)]


KINDS = (
    *("read, agrees with dcm2pnm", "read, agrees with SimpleITK", "read, agrees with either"),
    *("read, no other reader reads it", "read, another reader disagrees"),
    *("refused, reason borne out", "refused, reason not borne out"),
    *("escaped exception", "crash", "hang"),
)


def _comparisons(row: Row) -> list[dict[str, str]]:
    return [*row.get("dcm2pnm", []), *row.get("SimpleITK", [])]


def _kinds(row: Row) -> list[str]:
    if row["outcome"] == "refused":
        return [f"refused, reason {'' if row['reason_holds'] else 'not '}borne out"]
    if row["outcome"] != "result":
        return ["escaped exception" if row["outcome"] == "escaped" else row["outcome"]]
    agree = {
        reader: all(c["verdict"] == "agrees" for c in row[reader])
        for reader in ("dcm2pnm", "SimpleITK")
    }
    kinds = [f"read, agrees with {reader}" for reader, yes in agree.items() if yes]
    if kinds:
        kinds.append("read, agrees with either")
    if any(c["verdict"] not in ("agrees", "not read by it") for c in _comparisons(row)):
        kinds.append("read, another reader disagrees")
    return kinds or ["read, no other reader reads it"]


def _why(row: Row) -> str:
    if "reason" in row:
        return str(row["reason"])
    pairs = [(r, c["verdict"]) for r in ("dcm2pnm", "SimpleITK") for c in row[r]]
    return "; ".join(f"{reader}: {verdict}" for reader, verdict in pairs)


if __name__ == "__main__":
    run(main)
