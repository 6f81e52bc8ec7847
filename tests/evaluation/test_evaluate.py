import csv
import json
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
    assert set(SECTIONS) <= set(content)
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
