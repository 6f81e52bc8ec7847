"""Redrawing: replacements keep the seed contract and never repeat an image that was rejected."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_generator import FakeGenerator
from filter_sets import blank_out, contents, generated
from PIL import Image
from torch import Tensor

from synthmed.datasets import read_dataset
from synthmed.errors import SynthmedError
from synthmed.synthesis.filter import FilterResult, filter_dataset
from synthmed.synthesis.filters.redraw import key_and_copy, redrawable
from synthmed.synthesis.generate import generate
from synthmed.synthesis.prompts import Prompt, prompt_hash
from synthmed.transport.seeds import row_seed


def run(source: Path, out: Path, model: Any, **options: Any) -> FilterResult:
    options = {"checks": ["blank"], "progress": False, "batch_size": 4, **options}
    return filter_dataset(source, out, redraw=model, **options)


class BlankAtFirst(FakeGenerator):
    """Draws blank images in its first calls."""

    def __init__(self, blank: int) -> None:
        super().__init__()
        self.blank = blank

    def sample(self, records: Any, seeds: Any, **how: Any) -> Tensor:
        images = super().sample(records, seeds, **how)
        self.blank -= 1
        return images * 0 if self.blank >= 0 else images


def test_replacements_take_the_place_of_what_was_rejected(tmp_path: Path) -> None:
    source = generated(tmp_path / "source")
    blank_out(source, 1, 4, 9)
    model = FakeGenerator()
    result = run(source, tmp_path / "out", model)
    assert (result.images, result.rejected, result.redrawn) == (12, 3, 3)
    rows, old = read_dataset(tmp_path / "out").rows, read_dataset(source).rows
    key = prompt_hash("dermatoscopy, melanoma")[:16]
    for index, name, copy in ((1, "a", 6), (4, "a", 7), (9, key, 6)):
        row = rows[index]
        assert row.group_id == f"synthetic:{name}-{copy}"
        assert row.file_name == f"{name}-{copy:04d}.png"
        assert row.extra["seed"] == row_seed(7, name, copy)
        for column in ("prompt", "guidance", "negative_prompt", "steps", "generator_hash"):
            assert row.extra.get(column) == old[index].extra.get(column)
        assert (row.labels, row.text) == (old[index].labels, old[index].text)
        assert row.image_type == old[index].image_type
        with Image.open(row.file) as image:
            assert image.info["seed"] == str(row.extra["seed"])
            assert image.info["Source"] == "synthetic"
            assert image.mode == ("L" if index < 6 else "RGB")
    same = [i for i in range(12) if i not in (1, 4, 9)]
    assert [rows[i].file_name for i in same] == [old[i].file_name for i in same]
    assert {call["steps"] for call in model.calls} == {5}
    record = json.loads((tmp_path / "out" / "dataset.json").read_text())["filters"][0]
    assert record["redraw"] == {"generator": "fake", "generator_hash": "f" * 64, "seed": 7}
    assert (record["redrawn"], record["next_copy"]) == (3, 8)


def test_a_replacement_is_what_generate_would_have_made(tmp_path: Path) -> None:
    source = generated(tmp_path / "source", count=2)
    more = generated(tmp_path / "more", count=3)
    blank_out(source, 0)
    run(source, tmp_path / "out", FakeGenerator())
    assert contents(tmp_path / "out")["train/a-0002.png"] == contents(more)["train/a-0002.png"]


def test_bad_replacements_are_drawn_again_and_listed(tmp_path: Path) -> None:
    source = generated(tmp_path / "source")
    blank_out(source, 0)
    result = run(source, tmp_path / "out", BlankAtFirst(2))
    assert (result.images, result.rejected, result.redrawn) == (12, 1, 1)
    with open(tmp_path / "out" / "rejected.csv", newline="") as file:
        entries = list(csv.DictReader(file))
    assert [(e["file"], e["round"]) for e in entries] == [
        *(("train/a-0000.png", "0"), ("train/a-0006.png", "1"), ("train/a-0007.png", "2"))
    ]
    images = {path.name for path in (tmp_path / "out" / "train").glob("*.png")}
    assert "a-0008.png" in images
    assert not images & {"a-0000.png", "a-0006.png", "a-0007.png"}


def test_after_the_last_round_the_row_is_left_out(tmp_path: Path) -> None:
    source = generated(tmp_path / "source")
    blank_out(source, 0)
    result = run(source, tmp_path / "out", BlankAtFirst(99), tries=2)
    assert (result.images, result.redrawn) == (11, 0)


def test_a_second_filter_uses_no_copy_number_again(tmp_path: Path) -> None:
    source = generated(tmp_path / "source")
    blank_out(source, 0)
    run(source, tmp_path / "one", BlankAtFirst(99), tries=2)
    blank_out(tmp_path / "one", 0)
    run(tmp_path / "one", tmp_path / "two", FakeGenerator())
    assert (tmp_path / "two" / "train" / "a-0008.png").is_file()


def test_the_same_call_gives_the_same_bytes(tmp_path: Path) -> None:
    source = generated(tmp_path / "source")
    blank_out(source, 2, 7)
    for name in ("one", "two"):
        run(source, tmp_path / name, FakeGenerator())
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_generator_is_named(tmp_path: Path) -> None:
    source = generated(tmp_path / "source")
    blank_out(source, 0)
    model = FakeGenerator()
    model.hash = "e" * 64
    with pytest.warns(UserWarning, match="another generator"):
        result = run(source, tmp_path / "out", model)
    assert result.warnings == ("the source was made by another generator than --redraw names",)
    rows = read_dataset(tmp_path / "out").rows
    assert [row.extra["generator_hash"] == "e" * 64 for row in rows] == [True, *[False] * 11]


def test_rows_that_are_more_than_their_prompt_are_not_redrawn(
    small_dataset: Path, tmp_path: Path
) -> None:
    rows = read_dataset(small_dataset).rows
    assert not any(redrawable(row) for row in rows)
    bound = next(row for row in rows if row.mask_file)
    bound.extra["prompt"] = "dermatoscopy"
    assert not redrawable(bound)
    bound.mask_file = None
    assert redrawable(bound)
    bound.extra["source_file"] = "x.png"
    assert not redrawable(bound)


def test_a_key_with_hyphens_is_read_whole(tmp_path: Path) -> None:
    generate(
        FakeGenerator(),  # type: ignore[arg-type]
        [Prompt("chest X-ray", 2, id="a-b-3")],
        tmp_path / "out",
        progress=False,
    )
    assert [key_and_copy(row) for row in read_dataset(tmp_path / "out").rows] == [
        *(("a-b-3", 0), ("a-b-3", 1))
    ]


def test_a_prompt_that_is_too_long_is_found_before_anything_is_judged(tmp_path: Path) -> None:
    source = generated(tmp_path / "source")
    table = source / "train" / "metadata.jsonl"
    lines = [json.loads(line) for line in table.read_text().splitlines()]
    lines[3]["prompt"] = "word " * 30
    table.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(SynthmedError, match="too long"):
        run(source, tmp_path / "out", FakeGenerator())
    assert not (tmp_path / "out").exists()
    assert np.all([path.name in {"source"} for path in tmp_path.iterdir()])
