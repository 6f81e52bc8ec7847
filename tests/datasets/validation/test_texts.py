"""Missing texts, unknown patients, labels out of balance, contradictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made import Cells, set_cell, write

from synthmed.datasets.rows import Row
from synthmed.datasets.validation import validate
from synthmed.datasets.validation.balance import balance_findings
from synthmed.datasets.validation.contradictions import contradiction_findings
from synthmed.errors import SynthmedError


def test_blank_texts(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", set_cell("val", 1, text="  "))
    (finding,) = validate(folder).findings
    assert (finding.kind, finding.where) == ("text", "val: val1.png")
    folder = write(tmp_path / "e", set_cell("val", 1, text="...", labels=[]))
    assert [f.message for f in validate(folder).findings] == ["the text has no word"]


def test_a_row_that_says_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", set_cell("test", 0, text=None, labels=[]))
    assert validate(folder).counts == {"text": 1}


def test_rows_without_a_group(tmp_path: Path) -> None:
    def edit(split: str, rows: list[Cells]) -> list[Cells]:
        return [{k: v for k, v in row.items() if k != "group_id"} for row in rows]

    (finding,) = validate(write(tmp_path / "d", edit)).findings
    assert (finding.kind, finding.severity) == ("no-group", "warning")
    assert "30 of 30 rows" in finding.message


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="no such dataset folder"):
        validate(tmp_path / "none")


def rows_of(*counts: tuple[str, str, int]) -> list[Row]:
    return [
        Row(Path(), f"{label}{n}", split, "g", labels=(label,), image_type="x")
        for split, label, count in counts
        for n in range(count)
    ]


def test_imbalance() -> None:
    even = rows_of(("train", "a", 100), ("train", "b", 5), ("val", "b", 1))
    assert list(balance_findings(even)) == []
    few = rows_of(("train", "a", 9), ("train", "b", 4))
    assert [f.message for f in balance_findings(few)] == [
        "label 'b' has 4 training images, the most frequent 9"
    ]
    rare = rows_of(("train", "a", 101), ("train", "b", 5))
    assert [f.where for f in balance_findings(rare)] == ["x"]
    absent = rows_of(("train", "a", 9), ("val", "c", 3))
    assert [f.message for f in balance_findings(absent)] == ["label 'c' is in no training image"]


@pytest.mark.parametrize(
    ("labels", "text", "contradicts"),
    [
        (["Effusion"], "No pleural effusion.", True),
        (["Effusion"], "Pleural fluid on the left.", False),
        (["Effusion"], "Cannot exclude an effusion.", False),
        (["Effusion"], "No effusion on the left. Small effusion on the right.", False),
        (["Effusion"], "Normal chest.", True),
        (["No Finding"], "Large pneumothorax.", True),
        (["No Finding"], "Possible pneumonia.", False),
        (["No Finding"], "No pneumothorax. Lungs are clear.", False),
        (["Pneumonia"], "COVID-19 pneumonia", False),
        (["Unicorn"], "Normal chest.", False),
        (["benign"], "breast ultrasound, malignant mass", True),
        (["melanoma"], "dermatoscopy, melanocytic nevus on the back", True),
        (["melanoma"], "dermatoscopy, melanoma on the back", False),
        ([], "No pleural effusion.", False),
    ],
)
def test_contradictions(labels: list[str], text: str, contradicts: bool) -> None:
    row = Row(Path(), "x.png", "train", "g", text=text, labels=tuple(labels))
    assert bool(list(contradiction_findings([row]))) == contradicts


def test_a_report_is_compared_by_its_findings_and_impression() -> None:
    report = "INDICATION: pneumonia?\nFINDINGS: Lungs are clear.\nIMPRESSION: Normal chest."
    row = Row(Path(), "x.png", "train", "g", report=report, labels=("No Finding",))
    assert list(contradiction_findings([row])) == []
    row.labels = ("Pneumonia",)
    (finding,) = contradiction_findings([row])
    assert finding.message.startswith("report denies the label 'pneumonia'")


def test_hostile_cells_end_in_findings(tmp_path: Path) -> None:
    def edit(split: str, rows: list[Cells]) -> list[Cells]:
        strange: list[Any] = ["\0\x1b[2J", "no " * 30_000, {"a": 1}, 7, ["x"] * 1000]
        for row, value in zip(rows, strange, strict=False):
            row |= {"text": value, "report": str(value), "labels": value, "note": value}
        return rows

    assert validate(write(tmp_path / "d", edit)).rows > 0
