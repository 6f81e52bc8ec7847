import csv
import errno
import json
import os
from pathlib import Path

import pytest
from evaluation_folders import write_folder
from PIL import Image

from synthmed.errors import SafetyError, SynthmedError
from synthmed.evaluation.context import Settings
from synthmed.evaluation.evaluate import SECTIONS, evaluate

QUICK = Settings(extractor="pixels-16", bootstraps=50)


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path, Path]:
    return (
        write_folder(tmp_path / "real", 48, seed=1, prefix="r"),
        write_folder(tmp_path / "synthetic", 40, seed=2, prefix="s", synthetic=True),
        write_folder(tmp_path / "train", 48, seed=3, prefix="t", split="train"),
    )


def test_a_report_of_one_section(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    real, synthetic, _ = sets
    result = evaluate(real, synthetic, tmp_path / "out", sections=["fidelity"], settings=QUICK)
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert result.report == tmp_path / "out" / "report.html"
    assert content["header"]["real"]["n"] == 48
    assert content["header"]["synthetic"]["n"] == 40
    assert "fidelity" in content
    assert "privacy" not in content
    assert any("no training set" in text for text in result.warnings)
    assert not (tmp_path / "out" / "report-private.html").exists()


@pytest.mark.slow
def test_a_whole_report(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    real, synthetic, train = sets
    result = evaluate(real, synthetic, tmp_path / "out", train=train, settings=QUICK)
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert set(SECTIONS) - {"edits"} <= set(content)  # no row names a source
    assert "edits" not in content
    assert content["privacy"]["self_test"]["planted"] > 0
    assert result.lights


def test_a_section_that_fails_is_said_and_the_others_go_on(
    sets: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import synthmed.evaluation.fidelity as module

    def fail(_: object) -> None:
        raise SynthmedError("too few images")

    monkeypatch.setattr(module, "fidelity", fail)
    result = evaluate(*sets[:2], tmp_path / "out", sections=["fidelity"], settings=QUICK)
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert content["fidelity"] == {"not_measurable": "too few images"}
    assert [light.state for light in result.lights] == ["green", "grey"]
    assert any("too few images" in text for text in result.warnings)


def test_the_training_set_itself_is_refused_as_real(
    sets: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(SafetyError, match="trained on 48 of the 48"):
        evaluate(
            sets[2], sets[1], tmp_path / "out", train=sets[2], sections=["fidelity"], settings=QUICK
        )


def test_a_folder_of_something_else_is_left_alone(
    sets: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(SynthmedError, match="holds no evaluation"):
        evaluate(*sets[:2], tmp_path / "out", settings=QUICK)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_bad_settings_are_found_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="no section is called 'privcy'"):
        evaluate(tmp_path / "no", tmp_path / "no", tmp_path / "out", sections=["privcy"])
    assert not (tmp_path / "out").exists()


def test_the_same_call_gives_the_same_report(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        evaluate(*sets[:2], tmp_path / name, sections=["fidelity"], settings=QUICK)
        files.append((tmp_path / name / "report.json").read_bytes())
    assert files[0] == files[1]


def test_unusable_files_are_listed_beside_the_report(
    sets: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    Image.new("L", (32, 32), 9).save(sets[0] / "test" / "r003.png")
    (sets[1] / "test" / "s001.png").write_bytes(b"no image")
    result = evaluate(*sets[:2], tmp_path / "out", sections=["fidelity"], settings=QUICK)
    with open(tmp_path / "out" / "rejected.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["set", "file", "reason"]
    assert {(row[0], row[1]) for row in rows[1:]} == {
        ("real", "r003.png"),
        ("synthetic", "s001.png"),
    }
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert str(tmp_path) not in page.replace(result.report.as_posix(), "")
    assert "r003.png" not in page


def test_a_synthetic_set_on_both_sides_is_refused(
    sets: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(SynthmedError, match="40 of the real images are marked as synthetic"):
        evaluate(sets[1], sets[1], tmp_path / "a", sections=["fidelity"], settings=QUICK)
    with pytest.raises(SynthmedError, match="both sets hold the same files"):
        evaluate(sets[0], sets[0], tmp_path / "b", sections=["fidelity"], settings=QUICK)


def test_a_wrong_extractor_or_a_missing_label_is_found_before_anything_is_read(
    tmp_path: Path,
) -> None:
    no = tmp_path / "no"
    with pytest.raises(SynthmedError, match="unknown extractor 'nonsense'"):
        evaluate(no, no, tmp_path / "out", settings=Settings(extractor="nonsense"))
    with pytest.raises(SynthmedError, match="utility needs a label"):
        evaluate(no, no, tmp_path / "out", sections=["utility"], settings=QUICK)
    assert not (tmp_path / "out").exists()


def test_what_the_reader_warns_of_and_missing_prompts_reach_the_report(
    sets: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    for folder, columns in ((sets[0], ["group_id"]), (sets[1], ["prompt"])):
        table = folder / "test" / "metadata.jsonl"
        rows = [json.loads(line) for line in table.read_text().splitlines()]
        for row in rows:
            for column in columns:
                row.pop(column)
        table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = evaluate(*sets[:2], tmp_path / "out", sections=["fidelity"], settings=QUICK)
    assert any("have no group_id" in text for text in result.warnings)
    assert any("40 of 40 synthetic images have no prompt" in text for text in result.warnings)


def test_a_damaged_cache_is_made_anew(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    def run() -> bytes:
        evaluate(*sets[:2], tmp_path / "out", sections=["fidelity"], settings=QUICK)
        return (tmp_path / "out" / "report.json").read_bytes()

    before = run()
    damaged = [
        *(tmp_path / "out" / "cache").glob("*.np*"),
        *(tmp_path / "out").glob("cache/*.json"),
    ]
    assert len(damaged) > 5
    for path in damaged:
        path.write_bytes(path.read_bytes()[:40])
    assert run() == before


@pytest.mark.parametrize("content", [{"generation": None}, {"generation": [1]}, {"filters": "x"}])
def test_a_table_of_contents_of_other_kinds_is_one_clear_error(
    sets: tuple[Path, Path, Path], tmp_path: Path, content: dict[str, object]
) -> None:
    (sets[1] / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(SynthmedError, match=r"of dataset\.json is not as synthmed writes it"):
        evaluate(*sets[:2], tmp_path / "out", sections=["fidelity"], settings=QUICK)


def test_a_full_disk_is_one_clear_error(
    sets: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(SynthmedError, match="the disk is full"):
        evaluate(*sets[:2], tmp_path / "out", sections=["fidelity"], settings=QUICK)
