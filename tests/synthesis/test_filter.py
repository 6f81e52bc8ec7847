"""The filter: what is dropped, what is kept byte by byte, what is written, and what is refused."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filter_sets import blank_out, contents, generated, image_of, real_set

from synthmed.datasets import read_dataset
from synthmed.errors import SafetyError, SynthmedError
from synthmed.synthesis.filter import FilterResult, filter_dataset
from synthmed.synthesis.filters import rounds
from synthmed.synthesis.filters.blank import Blank
from synthmed.synthesis.filters.checks import Candidate
from synthmed.synthesis.filters.judging import Rejection
from synthmed.synthesis.filters.record import check_judge, filter_models, rejected_csv
from synthmed.synthesis.filters.registry import CHECKS, choose


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return generated(tmp_path / "source")


def run(source: Path, out: Path, **options: Any) -> FilterResult:
    return filter_dataset(source, out, **{"progress": False, "device": "cpu", **options})


def rejected(out: Path) -> list[dict[str, str]]:
    with open(out / "rejected.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_blank_images_go_and_all_others_stay_as_they_are(source: Path, tmp_path: Path) -> None:
    names = blank_out(source, 1, 8)
    before = contents(source)
    result = run(source, tmp_path / "out", checks=["blank"])
    assert (result.images, result.rejected, result.redrawn) == (10, 2, 0)
    assert result.by_check == {"blank": 2}
    assert contents(source) == before
    after = contents(tmp_path / "out")
    kept = {name: sha for name, sha in before.items() if name.endswith(".png")}
    assert {name: sha for name, sha in after.items() if name.endswith(".png")} == {
        name: sha for name, sha in kept.items() if name not in names
    }
    entries = rejected(tmp_path / "out")
    assert list(entries[0]) == ["file", "check", "score", "threshold", "reason", "round"]
    assert [entry["file"] for entry in entries] == names
    assert {entry["check"] for entry in entries} == {"blank"}
    assert float(entries[0]["score"]) < float(entries[0]["threshold"]) == 0.02
    rows, old = read_dataset(tmp_path / "out").rows, read_dataset(source).rows
    left = [row for row in old if f"train/{row.file_name}" not in names]
    assert [row.file_name for row in rows] == [row.file_name for row in left]
    assert [row.extra for row in rows] == [row.extra for row in left]


def test_dataset_json_keeps_the_generation_and_names_the_filter(
    source: Path, tmp_path: Path
) -> None:
    blank_out(source, 0)
    run(source, tmp_path / "one", checks=["blank"])
    run(tmp_path / "one", tmp_path / "two", checks=["blank", "duplicate"])
    old, one, two = (
        json.loads((folder / "dataset.json").read_text())
        for folder in (source, tmp_path / "one", tmp_path / "two")
    )
    assert one["generation"] == old["generation"]
    assert one["synthetic"] is True
    assert one["rows"]["train"] == 11
    assert one["content_hash"] != old["content_hash"]
    (record,) = one["filters"]
    assert record["source"] == old["content_hash"]
    assert record["checks"]["blank"]["rejected"] == 1
    assert (record["images"], record["rejected"], record["models"]) == (11, 1, [])
    assert two["filters"][0] == record
    assert list(two["filters"][1]["checks"]) == ["blank", "duplicate"]


def test_the_second_of_two_equal_images_goes(source: Path, tmp_path: Path) -> None:
    rows = read_dataset(source).rows
    for index in (3, 9):
        rows[index].file.write_bytes(rows[2].file.read_bytes())
    result = run(source, tmp_path / "out", checks=["duplicate"])
    assert result.by_check == {"duplicate": 2}
    entries = rejected(tmp_path / "out")
    assert [e["file"] for e in entries] == [f"train/{rows[i].file_name}" for i in (3, 9)]
    assert all(f"train/{rows[2].file_name}" in e["reason"] for e in entries)
    assert all(float(e["score"]) > 0.999 for e in entries)


def test_a_damaged_image_is_listed_and_does_not_stop_the_rest(source: Path, tmp_path: Path) -> None:
    rows = read_dataset(source).rows
    rows[4].file.write_bytes(rows[4].file.read_bytes()[:60])
    result = run(source, tmp_path / "out", checks=["blank"])
    assert (result.images, result.by_check) == (11, {"unreadable": 1})
    (entry,) = rejected(tmp_path / "out")
    assert (entry["check"], entry["score"]) == ("unreadable", "")
    assert rows[4].file_name in entry["file"]


def test_masks_and_all_splits_come_along(small_dataset: Path, tmp_path: Path) -> None:
    result = run(small_dataset, tmp_path / "out", checks=["blank"])
    assert (result.images, result.rejected) == (96, 0)
    before, after = contents(small_dataset), contents(tmp_path / "out")
    same = [name for name in before if name.endswith(".png")]
    assert {name: before[name] for name in same} == {
        name: sha for name, sha in after.items() if name.endswith(".png")
    }
    assert rejected(tmp_path / "out") == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SynthmedError("stop"), OSError("disk")])
def test_nothing_is_left_of_a_run_that_fails(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(rounds, "judge", fail)
    with pytest.raises((KeyboardInterrupt, SynthmedError)):
        run(source, tmp_path / "out", checks=["blank"])
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_what_a_killed_run_left_is_removed_and_a_stranger_is_not(
    source: Path, tmp_path: Path
) -> None:
    left = tmp_path / ".out.filter.tmp"
    left.mkdir()
    (left / ".synthmed-filter").touch()
    (left / "half.png").write_bytes(b"half")
    assert run(source, tmp_path / "out", checks=["blank"]).images == 12
    assert not left.exists()
    other = tmp_path / ".new.filter.tmp"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(SynthmedError):
        run(source, tmp_path / "new", checks=["blank"])
    assert (other / "mine.txt").read_text() == "mine"


def test_an_empty_folder_is_taken_and_a_used_one_is_not(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert run(source, tmp_path / "out", checks=["blank"]).images == 12
    with pytest.raises(SynthmedError, match="in use"):
        run(source, tmp_path / "out", checks=["blank"])
    with pytest.raises(SynthmedError, match="lie in one another"):
        run(source, source / "filtered", checks=["blank"])
    with pytest.raises(SynthmedError, match="lie in one another"):
        run(source, tmp_path, checks=["blank"])


def test_no_image_that_passes_is_an_error_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    blank_out(source, *range(12))
    with pytest.raises(SynthmedError, match=r"no image passes \(blank 12\)"):
        run(source, tmp_path / "out", checks=["blank"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"checks": ["blnk"]}, "unknown check 'blnk'.*Known: blank, broken"),
        ({"checks": []}, "no check is named"),
        ({"checks": ["broken"]}, "'broken' needs --real"),
        ({"checks": ["off-prompt"]}, "'off-prompt' needs --real"),
        ({"checks": ["near-copy"]}, "'near-copy' needs --train"),
        ({"tries": 0}, "at least 1"),
        ({"scorer": "nowhere"}, "needs --real"),
        ({"real": "nowhere"}, "no such dataset folder"),
        ({"redraw": "no-such-model", "checks": ["blank"]}, "no generator here"),
    ],
)
def test_bad_calls_are_one_clear_error(
    source: Path, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(SynthmedError, match=words):
        run(source, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_by_default_all_checks_run_that_can() -> None:
    assert choose(None, real=False, train=False) == ["blank", "duplicate"]
    assert choose(None, real=True, train=True) == list(CHECKS)
    assert choose(["duplicate", "blank", "blank"], real=False, train=False) == [
        *("blank", "duplicate")
    ]


def test_blank_sees_flat_and_specked_images_and_spares_dark_ones() -> None:
    flat = np.full((3, 40, 40), 0.2, np.float32)
    specked = np.full((1, 40, 40), -1, np.float32)
    specked[0, 5, 5:9] = 1
    dark = np.full((1, 40, 40), -1, np.float32)
    dark[0, 10:30, 12:26] = np.linspace(-1, -0.6, 14)
    chest = image_of("chest X-ray", 3)
    images = [flat, specked, dark, chest]
    check = Blank()
    numbers = check.measure([Candidate(None, x, x) for x in images])  # type: ignore[arg-type]
    found = check.judge([None] * 4, numbers, np.ones(4, np.bool_))  # type: ignore[list-item]
    assert [verdict is not None for verdict in found] == [True, True, False, False]
    assert found[1] is not None
    assert "entropy" in found[1].reason


def test_the_filter_s_model_is_refused_as_judge() -> None:
    info = {"filters": [{"models": [{"check": "broken", "id": "small-cnn/1:abc", "sha256": "5e"}]}]}
    assert filter_models(info) == {"small-cnn/1:abc": "5e"}
    check_judge(info, "medical-64/1:def")
    check_judge({}, "small-cnn/1:abc")
    with pytest.raises(SafetyError, match="filtered by the same model"):
        check_judge(info, "small-cnn/1:abc")
    with pytest.raises(SafetyError, match="filtered by the same model"):
        check_judge(info, "another name", sha256="5e")


def test_a_spreadsheet_runs_nothing_of_rejected_csv() -> None:
    entry = Rejection("=cmd()/x.png", "blank", 0.5, 1.0, "+1", 0)
    assert rejected_csv([entry]).decode().splitlines()[1] == "'=cmd()/x.png,blank,0.5,1,'+1,0"


def test_a_real_set_can_be_filtered_as_well(tmp_path: Path) -> None:
    real = real_set(tmp_path / "real", ("chest X-ray",))
    assert run(real, tmp_path / "out").rejected == 0


def test_checks_that_cannot_be_made_are_left_out_unless_asked_for(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impossible(_: object) -> None:
        raise SynthmedError("it needs two types")

    monkeypatch.setitem(CHECKS, "duplicate", replace(CHECKS["duplicate"], build=impossible))
    with pytest.warns(UserWarning, match="'duplicate' was left out: it needs two types"):
        result = filter_dataset(source, tmp_path / "out", progress=False)
    assert result.checks == ("blank",)
    assert any("two types" in text for text in result.warnings)
    with pytest.raises(SynthmedError, match="it needs two types"):
        filter_dataset(source, tmp_path / "again", checks=["duplicate"], progress=False)
