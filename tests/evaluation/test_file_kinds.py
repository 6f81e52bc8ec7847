"""Sets in files of different kinds: one line, with the numbers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_folders import write_folder
from PIL import Image

from synthmed.evaluation.context import Settings
from synthmed.evaluation.evaluate import evaluate
from synthmed.evaluation.file_kinds import file_kinds, name_file_kinds
from synthmed.evaluation.sections import Section

QUICK = Settings(extractor="pixels-16", bootstraps=50)


def write(path: Path, kind: str, seed: int) -> Path:
    """A small file of noise."""
    rng = np.random.default_rng(seed)
    if kind == "deep":
        Image.fromarray(rng.integers(0, 65535, (16, 16)).astype(np.uint16)).save(path)
    elif kind == "colour":
        Image.fromarray(rng.integers(0, 255, (16, 16, 3)).astype(np.uint8)).save(path)
    else:
        Image.fromarray(rng.integers(0, 255, (16, 16)).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def make(make_side, tmp_path):
    """A side whose images lie in files: {(kind, ending): number}, types by number."""

    def side(name, files, kinds=None):
        rows = []
        every = [what for what, count in files.items() for _ in range(count)]
        bare = make_side(name, np.zeros((len(every), 1, 16, 16)), kinds=kinds)
        for i, ((kind, ending), row) in enumerate(zip(every, bare.rows, strict=True)):
            rows.append(replace(row, file=write(tmp_path / f"{name}{i}.{ending}", kind, i)))
        return replace(bare, rows=tuple(rows))

    return side


GREY, DEEP, JPEG, COLOUR = ("grey", "png"), ("deep", "png"), ("grey", "jpg"), ("colour", "jpg")


def test_kinds_are_named_by_bits_colour_and_format(make) -> None:
    side = make("real", {GREY: 1, DEEP: 2, JPEG: 3, COLOUR: 4})
    assert Counter(file_kinds(side)) == {
        "8-bit grey PNG": 1,
        "16-bit grey PNG": 2,
        "8-bit grey JPEG": 3,
        "8-bit colour JPEG": 4,
    }
    side.rows[0].file.unlink()
    assert file_kinds(side)[0] == "unreadable"


@pytest.mark.parametrize(
    ("real", "synthetic", "said"),
    [
        ({GREY: 20}, {GREY: 20}, False),
        ({DEEP: 20}, {GREY: 20}, True),
        ({JPEG: 20}, {GREY: 20}, True),
        ({COLOUR: 20}, {JPEG: 20}, True),
        ({GREY: 18, COLOUR: 2}, {GREY: 20}, True),
        ({GREY: 39, COLOUR: 1}, {GREY: 20}, False),  # one stray file in forty
        ({GREY: 20}, {GREY: 10, DEEP: 10}, True),
        ({JPEG: 12, GREY: 8}, {JPEG: 8, GREY: 12}, False),  # mixed alike
    ],
)
def test_it_is_said_in_one_line_with_the_numbers(make, real, synthetic, said) -> None:
    warnings: list[str] = []
    counts = name_file_kinds(make("real", real), make("synthetic", synthetic), warnings)
    assert len(warnings) == said
    assert sum(counts["real"].values()) == sum(real.values())
    for side in ("real", "synthetic"):
        for name, count in counts[side].items():
            assert all(f"{count} {name}" in text for text in warnings)


def test_types_are_compared_each_for_itself(make) -> None:
    """Colour dermatoscopy beside grey X-rays is no difference, whatever their shares."""
    warnings: list[str] = []
    real = make("real", {GREY: 15, COLOUR: 5}, ["X-ray"] * 15 + ["skin"] * 5)
    made = make("synthetic", {GREY: 2, COLOUR: 18}, ["X-ray"] * 2 + ["skin"] * 18)
    name_file_kinds(real, made, warnings)
    assert warnings == []
    other = make("other", {JPEG: 10, COLOUR: 10}, ["X-ray"] * 10 + ["skin"] * 10)
    name_file_kinds(real, other, warnings)
    assert "synthetic images (X-ray) lie in files" in warnings[0]


def test_the_report_says_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import synthmed.evaluation.fidelity as module

    monkeypatch.setattr(module, "fidelity", lambda _: Section("fidelity", "Realism", ""))
    real = write_folder(tmp_path / "r", 24, seed=1, prefix="r")
    made = write_folder(tmp_path / "s", 24, seed=2, prefix="s", synthetic=True)
    for path in (real / "test").glob("*.png"):
        grey = np.asarray(Image.open(path)).astype(np.uint16)
        Image.fromarray(grey * 257).save(path)
    result = evaluate(real, made, tmp_path / "out", sections=["fidelity"], settings=QUICK)
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    told = [each for each in content["warnings"] if "files of different kinds" in each["text"]]
    assert len(told) == 1
    assert told[0]["section"] is None
    assert "real 24 16-bit grey PNG; synthetic 24 8-bit grey PNG" in told[0]["text"]
    assert content["header"]["real"]["files"] == {"16-bit grey PNG": 24}
    assert content["header"]["synthetic"]["files"] == {"8-bit grey PNG": 24}
    assert any("files of different kinds" in text for text in result.warnings)
