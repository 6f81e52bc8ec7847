from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import report_sample as sample

from synthmed.errors import SynthmedError
from synthmed.evaluation.report import write_report

NAMES = ("report.json", "report.html", "report-private.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "new" / "folder"
    assert sample.write(out) == out / "report.html"
    return out


def test_three_files_and_no_rest(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)


def test_the_same_arguments_give_the_same_bytes_in_another_process(
    folder: Path, tmp_path: Path
) -> None:
    code = "import sys, pathlib, report_sample; report_sample.write(pathlib.Path(sys.argv[1]))"
    there = {"PYTHONPATH": str(Path(__file__).parent), "PYTHONHASHSEED": "7"}
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, env={**os.environ, **there}
    )
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_another_figure_gives_other_bytes(folder: Path, tmp_path: Path) -> None:
    sample.write(tmp_path, created="2026-11-22")
    for name in NAMES:
        assert (tmp_path / name).read_bytes() != (folder / name).read_bytes(), name


def test_report_json_is_the_truth(folder: Path) -> None:
    text = (folder / "report.json").read_text(encoding="utf-8")
    report = json.loads(text, parse_constant=pytest.fail)
    assert list(report)[:2] == ["format", "header"]
    assert report["format"] == 1
    assert report["privacy"]["self_test"] == {"found": 39, "planted": 40}
    assert report["privacy"]["copies"][0]["train"] == "images/0412.png"
    assert report["fidelity"]["kid"]["value"] == 0.087
    assert report["fidelity"]["frechet"]["value"] is None
    assert report["fidelity"]["frechet"]["low"] is None
    assert report["header"]["train"]["path"] == "train"  # of an absolute path
    assert "/home/someone" not in text.replace(report["header"]["command"], "")
    states = [(light["section"], light["state"]) for light in report["lights"]]
    assert states == [
        ("fidelity", "amber"),
        ("fidelity", "red"),
        ("alignment", "grey"),
        ("privacy", "red"),
        ("privacy", "green"),
    ]
    assert [warning["section"] for warning in report["warnings"]] == [None, "fidelity"]
    assert [method["section"] for method in report["methods"]] == [
        "fidelity",
        "alignment",
        "privacy",
    ]


def test_the_page_names_the_hash_of_report_json(folder: Path) -> None:
    digest = hashlib.sha256((folder / "report.json").read_bytes()).hexdigest()
    assert (folder / "report.html").read_text(encoding="utf-8").count(digest) == 2


def test_no_private_page_without_anything_private(tmp_path: Path) -> None:
    (tmp_path / "report-private.html").write_text("of an earlier run")
    write_report(tmp_path, sample.header(), [sample.fidelity()], sample.grids())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


@pytest.mark.parametrize("what", ["grid", "plot", "marked grid among the public ones"])
def test_anything_private_makes_a_private_page(what: str, tmp_path: Path) -> None:
    public = [replace(grid, private=False) for grid in sample.private_grids()]
    sections = [sample.privacy() if what == "plot" else sample.fidelity()]
    private = public if what == "grid" else []
    grids = sample.private_grids() if what.startswith("marked") else []
    write_report(tmp_path, sample.header(), sections, grids, private)
    assert (tmp_path / "report-private.html").is_file()
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Closest pairs" not in page
    assert "The closest pairs of all" not in page


def test_a_report_of_nothing(tmp_path: Path) -> None:
    page = write_report(tmp_path, sample.header(warnings=[], settings={}), [], [])
    text = page.read_text(encoding="utf-8")
    assert "No check was made." in text
    assert "There are none." in text


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SynthmedError, match="cannot write"):
        sample.write(tmp_path / "file" / "report")


def test_a_page_that_cannot_be_made_leaves_the_earlier_report(tmp_path: Path) -> None:
    sample.write(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in NAMES}
    broken = replace(sample.fidelity(), data={"x": object()})
    with pytest.raises(ValueError, match="object has no form"):
        write_report(tmp_path, sample.header(), [broken], [])
    assert {name: (tmp_path / name).read_bytes() for name in NAMES} == before
