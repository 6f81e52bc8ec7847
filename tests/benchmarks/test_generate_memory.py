"""The smoke profile of generate_memory runs whole commands, and its verdicts are right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
@pytest.mark.usefixtures("idle")
def test_smoke_profile_measures_whole_commands(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import generate_memory as script

    script.main(["--model", str(tiny_model), "--results", str(tmp_path)])
    content = json.loads((tmp_path / "generate_memory-smoke.json").read_text())
    assert len(content["rows"]) == 12
    for row in content["rows"].values():
        assert 100 < row["mebibytes"] < 4000
        assert row["seconds"] > 0.5
    assert "Memory flat, time linear" in capsys.readouterr().out


def made_up(mebibytes_an_image: float, slower: float) -> dict[str, Any]:
    """Results of a command with a given growth, whose late images take `slower` times as long."""
    from benchmarks.generate_memory import PROGRAMS

    sizes = [100, 550, 1000]
    seconds = {100: 10.0, 550: 55.0, 1000: 55.0 + 45 * slower}
    rows = {
        f"{program}, {size} images, run {i}": {
            "mebibytes": 500 + mebibytes_an_image * size + 0.2 * i,
            "seconds": seconds[size] * (1 + 0.001 * i),
        }
        for program in PROGRAMS
        for size in sizes
        for i in (1, 2, 3)
    }
    return {"rows": rows, "settings": {"sizes": sizes}, "model": {"image_size": 64}}


@pytest.mark.parametrize(
    ("growth", "slower", "flat", "linear"),
    [(0.001, 1.0, "yes", "yes"), (0.047, 1.0, "no", "yes"), (0.001, 1.3, "yes", "no")],
)
def test_holding_images_and_slowing_down_are_found(
    growth: float, slower: float, flat: str, linear: str
) -> None:
    from benchmarks.generate_memory import tables

    verdicts = tables(made_up(growth, slower))[1].lines
    assert [(line[2], line[4]) for line in verdicts] == [(flat, linear)] * 2
