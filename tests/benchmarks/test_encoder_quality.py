"""The benchmark of the encoder: probes that can fail, tables, and who may not be judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmed.errors import SafetyError
from synthmed.measures.extractors.medical_encoder import open_bundled


def test_the_nearest_image_is_of_another_patient() -> None:
    from benchmarks.encoder_probes import found_again, nearest_of_others

    x = np.array([[0.0], [0.1], [1.0], [1.4], [5.0]])
    assert nearest_of_others(x, ["a", "a", "b", "c", "d"]).tolist() == [2, 2, 3, 2, 3]
    assert found_again(x, x + 0.04).tolist() == [1, 1, 1, 1, 1]
    assert found_again(x, x + 0.3).tolist() == [0, 1, 0, 1, 1]


def test_a_probe_finds_what_is_there_and_nothing_in_noise() -> None:
    from benchmarks.encoder_probes import probe

    from synthmed.measures.agreement import auroc

    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    groups = [f"p{i // 2}" for i in range(120)]
    noise = rng.normal(size=(120, 8))
    assert 0.3 < auroc(labels, probe(noise, labels, groups)) < 0.7
    assert auroc(labels, probe(noise + labels[:, None], labels, groups)) > 0.9
    three = np.arange(120) // 2 % 3
    told = probe(noise + 4 * np.eye(3)[three][:, [0, 1, 2, 0, 1, 2, 0, 1]], three, groups)
    assert told.shape == (120, 3)
    assert (told.argmax(axis=1) == three).mean() > 0.9


def test_a_probe_knows_no_patient_that_it_judges() -> None:
    """Features that name the patient, and nothing else, tell nothing about the label."""
    from benchmarks.encoder_probes import probe

    from synthmed.measures.agreement import auroc

    patient = np.repeat(np.arange(40), 3)
    labels = np.random.default_rng(0).integers(0, 2, 40)[patient]
    scores = probe(np.eye(40)[patient], labels, [f"p{i}" for i in patient])
    assert auroc(labels, scores) < 0.65


def test_every_alteration_alters_and_keeps_size_and_range() -> None:
    from benchmarks.encoder_probes import COPIES, altered

    smooth = np.random.default_rng(0).uniform(-1, 1, (3, 3, 16, 16))
    images = smooth.repeat(4, axis=2).repeat(4, axis=3).astype(np.float32)
    for way in COPIES:
        copies = altered(images, way)
        assert copies.shape == images.shape, way
        assert np.abs(copies).max() <= 1, way
        assert 0.005 < np.abs(copies - images).mean() < 1, way


def test_the_smoke_profile_measures_every_row(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from benchmarks import encoder_quality

    monkeypatch.setattr(encoder_quality, "COPIES", {"mirrored": None})
    monkeypatch.setattr(encoder_quality, "FEWEST", 2)
    arguments = ["--data", str(sources), "--results", str(tmp_path)]
    encoder_quality.main(arguments)
    content = json.loads((tmp_path / "encoder_quality-smoke.json").read_text())
    rows = content["rows"]
    assert set(rows) >= {"type: nearest", "type: linear", "copy: mirrored"}
    for extractor in ("medical-64", "pixels-16", "statistics", "random network"):
        assert 0 <= rows["type: linear"][extractor]["value"] <= 1
    assert rows["finding: lesion, FLAIR"]["skipped"]
    shown = capsys.readouterr().out
    assert "Altered copies" in shown
    assert "none of the judging groups was seen" in shown


def test_an_encoder_that_saw_the_patients_is_refused(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.data import read_rows

    from benchmarks import encoder_quality
    from synthmed.datasets.splits import group_hashes

    encoder = open_bundled("medical-64")
    encoder.groups = tuple(group_hashes(read_rows(sources, "test")[:1]))
    monkeypatch.setattr(encoder_quality, "open_bundled", lambda name: encoder)
    with pytest.raises(SafetyError, match="seen in training"):
        encoder_quality.main(["--data", str(sources), "--results", str(tmp_path)])


def test_the_tables_count_wins_and_losses() -> None:
    from benchmarks.encoder_quality import OTHERS, OURS, tables

    def row(value: float, low: float, high: float) -> dict[str, Any]:
        here = {"value": value, "low": low, "high": high, "n": 9}
        gain = {"value": 0.1, "low": low - 0.5, "high": high - 0.5, "n": 9}
        return {
            "patients": 5,
            **dict.fromkeys((OURS, *OTHERS), here),
            "gain": dict.fromkeys(OTHERS, gain),
        }

    rows = {
        "type: nearest": row(0.9, 0.8, 1.0),
        "finding: a": row(0.9, 0.8, 1.0),
        "finding: b": row(0.3, 0.2, 0.4),
        "finding: c": {"skipped": "few"},
        "copy: mirrored": row(0.6, 0.4, 0.7),
    }
    first, second = tables({"rows": rows, "overlap": "none"})
    assert len(first.lines) == 3
    assert "AUROC of 0.8 in 1 of 2 findings" in first.notes[1]
    assert "pixels-16 in 1 of 2 (worse in 1)" in first.notes[1]
    assert "c" in first.notes[2]
    assert "pixels-16 in 0 of 1 (worse in 0)" in second.notes[0]
