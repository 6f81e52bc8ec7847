"""The verdicts of import_speed are right: a slow, a leaking and another import are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def made_up(factor: float, growth: float) -> dict[str, Any]:
    """Results of an import `factor` times the loop, whose peak grows by `growth` MiB."""
    from benchmarks.import_speed import MEMORY, SPEED

    rows: dict[str, Any] = {}
    for number in (1, 2, 3):
        for way, part in SPEED.items():
            seconds = 100.0 + number / 10
            rows[f"{way}, round {number}"] = {"seconds": seconds / (factor if part == "two" else 1)}
        rows[f"pixels, round {number}"] = {"largest_difference": 0}
        for way in MEMORY:
            for count, more in ((1000, 0.0), (10_000, growth)):
                peak = {"mebibytes": 100 + more + number / 10}
                rows[f"memory: {way}, {count} files, run {number}"] = peak
    settings = {"rounds": 3, "repeats": 3, "orders": [1000, 10_000], "small_size": 64}
    return {"rows": rows, "settings": {**settings, "files": 1000, "size": 512}}


@pytest.mark.parametrize(
    ("factor", "growth", "fast", "flat"),
    [(1.8, 5.0, "yes", "yes"), (1.5, 5.0, "no", "yes"), (1.8, 140.0, "yes", "no")],
)
def test_verdicts(factor: float, growth: float, fast: str, flat: str) -> None:
    from benchmarks.import_speed import tables

    speed, memory = tables(made_up(factor, growth))
    verdicts = {line[0]: line[-1] for line in speed.lines}
    assert verdicts["synthmed import, 2 processes"] == fast
    assert verdicts["control: plain loop again"] == "no"
    assert {line[-1] for line in memory.lines} == {flat}


def test_other_pixels_are_found(tmp_path: Path) -> None:
    from benchmarks.import_parts import imported, make, plain
    from benchmarks.import_speed import largest_difference

    make(tmp_path / "in", 3, 16)
    plain(tmp_path / "in", tmp_path / "plain")
    imported(tmp_path / "in", tmp_path / "two", 1)
    assert largest_difference(tmp_path / "plain", tmp_path / "two") <= 1
    path = next((tmp_path / "plain/images").glob("*.png"))
    Image.fromarray(np.asarray(Image.open(path)) + np.uint16(9)).save(path)
    assert largest_difference(tmp_path / "plain", tmp_path / "two") >= 8
