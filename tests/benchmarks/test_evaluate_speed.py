"""The verdicts of evaluate_speed are right; its parts compute the same as those beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def made_up(seconds: float, gibibytes: float, factor: float, share: float) -> dict[str, Any]:
    """Results of everything in some time and memory, and of ways so much faster and lighter."""
    from benchmarks.evaluate_speed import PAIRS

    rows: dict[str, Any] = {}
    for n in (1000, 10_000):
        parts = {"kid": seconds / 4, "frechet": 3 * seconds / 4}
        row = {"seconds": seconds, "parts": parts, "mebibytes": 1024 * gibibytes}
        rows[f"everything, {n}"] = row
    for number in (1, 2, 3):
        for ours, other in PAIRS.values():
            slow = 10.0 + number / 100
            numbers = {"precision": 0.5}
            rows[f"{ours}, round {number}"] = {
                "seconds": slow / factor,
                "mebibytes": 1000 * share,
                "numbers": numbers,
            }
            rows[f"{other}, round {number}"] = {
                "seconds": slow,
                "mebibytes": 1000,
                "numbers": numbers,
            }
    settings = {"sizes": [1000, 10_000], "rounds": 3, "width": 768}
    return {"rows": rows, "settings": settings}


@pytest.mark.parametrize(
    ("seconds", "gibibytes", "verdict"), [(100, 3.0, "yes"), (130, 3.0, "no"), (100, 4.5, "no")]
)
def test_the_verdict_on_everything(seconds: float, gibibytes: float, verdict: str) -> None:
    from benchmarks.evaluate_speed import tables

    table, parts, _ = tables(made_up(seconds, gibibytes, 3.0, 0.3))
    assert [line[-1] for line in table.lines] == ["", verdict]
    assert parts.lines[0] == ["kid", f"{seconds / 4:.3g}", f"{seconds / 4:.3g}"]


@pytest.mark.parametrize(
    ("factor", "share", "verdict"), [(2.5, 0.4, "yes"), (1.9, 0.4, "no"), (2.5, 0.6, "no")]
)
def test_the_verdict_against_prdc(factor: float, share: float, verdict: str) -> None:
    from benchmarks.evaluate_speed import tables

    lines = tables(made_up(100, 3.0, factor, share))[2].lines
    assert [line[-1] for line in lines] == [verdict, ""]
    assert {line[-2] for line in lines} == {"yes"}


def test_other_numbers_are_found() -> None:
    from benchmarks.evaluate_speed import same

    content = made_up(100, 3.0, 3.0, 0.3)
    content["rows"]["prdc, round 2"]["numbers"] = {"precision": 0.5001}
    assert same(content, "synthmed, four numbers", "prdc") == "no"
    assert same(content, "synthmed, neighbours", "scikit-learn") == "yes"


def test_withheld_times_and_rows_not_yet_run_leave_their_cells_empty() -> None:
    from benchmarks.evaluate_speed import tables

    content = made_up(100, 3.0, 3.0, 0.3)
    content["rows"] = {
        "everything, 1000": {"withheld": "busy", "mebibytes": 2048, "numbers": {}},
        "prdc, round 1": {"withheld": "busy", "mebibytes": 999, "numbers": {}},
    }
    everything, _, compared = tables(content)
    assert everything.lines[0] == ["1,000", "withheld", "2.00", ""]
    assert everything.lines[1][1] == "not yet run"
    assert compared.lines[0][-1] == ""


def test_the_parts_agree(tmp_path: Path) -> None:
    pytest.importorskip("prdc")
    from benchmarks.evaluate_parts import main

    found = {}
    for part in ("everything", "four", "prdc", "nearest", "sklearn"):
        main([part, "300", "24", str(tmp_path / part)])
        found[part] = json.loads((tmp_path / part).read_text())["numbers"]
    assert found["four"] == pytest.approx(found["prdc"], rel=1e-9)
    assert found["nearest"] == pytest.approx(found["sklearn"], rel=1e-5)
    assert {name: found["everything"][name] for name in found["four"]} == pytest.approx(
        found["four"]
    )
    assert {"frechet", "data copying", "authenticity", "closer share"} <= set(found["everything"])
