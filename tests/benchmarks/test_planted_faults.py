"""The benchmark of planted faults finds what it plants, and would say so if it did not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmed.datasets.rows import Row

pytest.importorskip("pydicom")


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """Thirty rows of one made type, all images different."""
    made = []
    for number in range(30):
        split = "train" if number < 20 else "val" if number < 25 else "test"
        file = tmp_path / f"{number}.png"
        coarse = np.random.default_rng(number).integers(0, 255, (12, 10), np.uint8)
        Image.fromarray(coarse).resize((96, 80), Image.Resampling.BICUBIC).save(file)
        made.append(Row(file, file.name, split, f"g:{number}", labels=("Effusion",)))
        made[-1].image_type = "chest X-ray"
    return made


def test_every_planted_fault_is_found_and_nothing_else(rows: list[Row]) -> None:
    from benchmarks.planted_faults import measure, tables

    for seed in range(2):
        row = measure(rows, 30, seed)
        assert (row["missed"], row["false"], row["clean"]) == ({}, [], {})
        assert len(row["planted"]) == 12
    found, clean = tables({"rows": {"chest X-ray, seed 0": json.loads(json.dumps(row))}})
    assert found.lines[0] == ["the same patient", "1", "1", "100.0%"]
    assert clean.lines == [["chest X-ray", "30"]]


def test_a_check_that_finds_nothing_is_seen(
    rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import planted_faults

    monkeypatch.setattr(
        "synthmed.datasets.validation.checks.text_identifiers", lambda rows: iter(())
    )
    row = planted_faults.measure(rows, 30, 0)
    assert row["missed"] == {"a name in a caption": 1, "a number or e-mail in a caption": 1}
