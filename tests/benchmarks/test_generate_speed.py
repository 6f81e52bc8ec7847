"""The smoke profile of generate_speed measures every row, keeps them, and judges the images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.usefixtures("idle")
def test_smoke_profile_measures_and_keeps_every_row(
    tiny_model: Path, sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import generate_speed as script
    from benchmarks import speed_variants as rows_of

    command = ["--model", str(tiny_model), "--data", str(sources), "--results", str(tmp_path)]
    script.main(command, tmp_path)
    file = tmp_path / "generate_speed-smoke.json"
    content = json.loads(file.read_text())
    rows = content["rows"]
    timed = [row for name, row in rows.items() if not name.startswith("judged: ")]
    assert len(timed) == 18
    assert all(row["rate"]["value"] > 0 for row in timed if "failed" not in row)
    assert rows[rows_of.DIFFUSERS]["evaluations"] == 100
    assert 0 <= rows[rows_of.MATCHED]["evaluations"] - rows[rows_of.OURS]["evaluations"] <= 1
    judged = rows[f"judged: {rows_of.CONTROLS[1]}"]["distances"]["KID"]
    assert set(judged) == {"chest X-ray", "dermatoscopy"}
    assert all(entry["n_real"] == 12 and entry["n"] == 8 for entry in judged.values())
    assert content["settings"]["overlap"] == "none of the judging groups was seen in training"
    assert "No worse than diffusers' 50 steps?" in capsys.readouterr().out
    script.main(command, tmp_path)  # everything is kept: nothing is measured again
    again = json.loads(file.read_text())["rows"]
    assert [again[name]["load"] for name in again if "load" in again[name]] == [
        row["load"] for row in timed if "load" in row
    ]
