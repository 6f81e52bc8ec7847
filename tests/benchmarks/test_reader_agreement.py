"""reader_agreement: the comparison finds what differs, the table counts, a small run works."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_readings_agree_to_rounding_only() -> None:
    from benchmarks.other_readers import disagreement

    a = np.arange(4096.0).reshape(1, 64, 64)
    assert disagreement(a, a + 0.4, 1.0, 4095, lossy=False) is None
    assert disagreement(a, a + 1.0, 1.0, 4095, lossy=False) == "differs by up to 1"
    assert disagreement(a, a[:, ::-1], 1.0, 4095, lossy=True) is not None
    assert disagreement(a, a + 20, 1.0, 4095, lossy=True) is None
    assert "shapes" in str(disagreement(a, a[0], 1.0, 4095, lossy=False))


def test_reasons_are_looked_up() -> None:
    from benchmarks.reader_agreement import _holds

    facts = {"magic": True, "pixel_bytes": 10, "BitsStored": 32, "BitsAllocated": 32, "head": ""}
    facts |= {"Rows": 2, "Columns": 2, "SamplesPerPixel": 1, "NumberOfFrames": None}
    assert _holds("whole numbers of 32 bits cannot be read without loss", facts)
    assert not _holds("this DICOM file has no pixel data", facts)
    assert _holds("the pixel data are cut short", facts)
    assert not _holds("a reason that nobody knows", facts)


def test_the_table_names_what_is_wrong() -> None:
    from benchmarks.reader_agreement import tables

    good = [{"verdict": "agrees", "control": "found"}]
    bad = [{"verdict": "differs by up to 9", "control": "found"}]
    rows: dict[str, dict[str, Any]] = {
        "p/a": {"outcome": "result", "dcm2pnm": good, "SimpleITK": good},
        "p/b": {"outcome": "result", "dcm2pnm": bad, "SimpleITK": good},
        "p/c": {"outcome": "crash", "reason": "exit code -6"},
        "p/d": {"outcome": "refused", "reason": "no idea", "reason_holds": False},
    }
    table = tables({"rows": rows})[0]
    counts = {line[0]: line[1] for line in table.lines}
    assert counts["read, agrees with either"] == "2"
    assert counts["read, another reader disagrees"] == counts["crash"] == "1"
    assert counts["refused, reason not borne out"] == "1"
    assert [note[:3] for note in table.notes[:-1]] == ["p/b", "p/c", "p/d"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dcm2pnm") is None, reason="dcm2pnm is not installed")
def test_smoke_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("SimpleITK")
    from benchmarks import reader_agreement as script

    script.main(["--results", str(tmp_path)])
    out = capsys.readouterr().out
    lines = {line.split("  ")[0].strip(): line for line in out.splitlines()}
    for kind in ("crash", "hang", "escaped exception", "refused, reason not borne out"):
        assert set(lines[kind].replace(kind, "").split()) == {"0"}
