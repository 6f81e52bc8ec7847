"""Sections and sentences of free-text reports."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from synthmed.datasets.reports import Report, parse_report, sentences

# Floor of the share of Open-i reports whose sections come back word for word; measured: 0.9995.
PARSED = 0.995


def test_sections_of_a_report() -> None:
    text = (
        "CLINICAL HISTORY: cough.\nTechnique - PA and lateral\n"
        "Findings:\nHeart normal. Lungs clear.\n\nIMPRESSION: 1. No acute disease."
    )
    assert parse_report(text) == Report(
        findings="Heart normal. Lungs clear.",
        impression="1. No acute disease.",
        indication="cough.",
        technique="PA and lateral",
    )


def test_headers_may_follow_a_sentence_and_come_twice() -> None:
    report = parse_report("FINDINGS: Clear. IMPRESSION: Normal. FINDINGS: Small heart.")
    assert report.findings == "Clear. Small heart."
    assert report.impression == "Normal."
    assert report.description == "Clear. Small heart. Normal."


def test_a_text_without_headers_is_other() -> None:
    text = "The findings of today are the impression of a normal chest: clear."
    assert parse_report(text) == Report(other=text)
    assert parse_report(text).description == text
    assert parse_report("") == Report()
    assert parse_report("Chest PA. FINDINGS: clear").other == "Chest PA."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Seen by Dr. Smith. Clear.", ["Seen by Dr. Smith.", "Clear."]),
        ("A nodule of 1.5 cm, e.g. Here. End.", ["A nodule of 1.5 cm, e.g. Here.", "End."]),
        ("Line one\n- line two\n2) line three", ["Line one", "line two", "line three"]),
        ("vs. normal", ["vs. normal"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_no_word_is_lost() -> None:
    text = "Heart is 1.2 cm. Dr. A. Test said so. No change vs. prior. (Old) fracture. 2. End"
    assert " ".join(sentences(text)).split() == text.split()


def test_open_i_reports_are_parsed(shared_data: Path) -> None:
    file = shared_data / "openi-reports" / "indiana_reports.csv"
    if not file.is_file():
        pytest.skip("the Open-i reports are not there")
    names = ("indication", "comparison", "findings", "impression")
    right = 0
    with open(file, newline="", encoding="utf-8") as stream:
        reports = list(csv.DictReader(stream))
    for report in reports:
        parts = {name: report[name] for name in names if report[name].strip()}
        text = "\n".join(f"{name.upper()}: {part}" for name, part in parts.items())
        parsed = parse_report(text)
        right += all(getattr(parsed, n) == " ".join(p.split()) for n, p in parts.items())
    assert len(reports) == 3851
    assert right / len(reports) >= PARSED, right
