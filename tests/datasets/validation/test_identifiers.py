"""Identifiers in texts, columns and file names."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from made import set_cell, write

from synthmed.datasets.captions import STYLES, caption
from synthmed.datasets.prompts import prompt_examples
from synthmed.datasets.rows import Row
from synthmed.datasets.validation import validate
from synthmed.datasets.validation.identifiers import identifiers_in, name_identifiers


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Reviewed with Dr. Keller today.", "a name with a title"),
        ("Seen by Mrs Okafor-Lee.", "a name with a title"),
        ("Prof. J. Lindqvist agrees", "a name with a title"),
        ("Patient: Maria Rossi, chest", "a name after its label"),
        ("Signed by: BECKER, Tom", "a name after its label"),
        ("ROSSI^MARIA", "a name in DICOM form"),
        ("write to m.roe@clinic.example", "an e-mail address"),
        ("MRN: 4471203", "a record number"),
        ("accession no. A9912345", "a record number"),
        ("ssn 123-45-6789", "a record number"),
        ("tel. 030 5551 2299", "a telephone number"),
        ("call (415) 555-0132", "a telephone number"),
        ("+49 30 5551 2299", "a telephone number"),
        ("on 2021-03-14", "a date"),
        ("on 14.03.2021", "a date"),
        ("March 14, 2021", "a date"),
        ("14 March 2021", "a date"),
        ("number 83917201", "a long number"),
        ("from Saint Mary Hospital", "the name of a hospital"),
    ],
)
def test_an_identifier_is_found(text: str, kind: str) -> None:
    assert kind in [found for found, _ in identifiers_in(text)]


@pytest.mark.parametrize(
    "text",
    [
        "XXXX-year-old woman, compared to XXXX. Dr. XXXX was called at XXXX hours.",
        "The patient is a 56-year-old man. Nodule of 1.5 x 2.0 cm at T8-T9, 12/24.",
        "MS plaques, PA and AP views, no change since the prior of 3 days ago.",
        "DR chest, MR brain 3.0 T, kVp 120, mAs 250, 1024 x 1024 pixels",
        "The hospital course was normal. In the clinic the patient was well.",
        "Severity score 3 of 8, pO2 95, 10-15 opacities, May return",
        "CC BY-NC-SA 4.0",
    ],
)
def test_what_is_no_identifier(text: str) -> None:
    assert identifiers_in(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("A" + "a" * 300_000, "Aa " * 90_000, "Dr. " * 70_000, "1" * 300_000, "1-" * 100_000),
        *("a@" * 100_000, "a." * 100_000, "name: " * 50_000, "Mar 1 " * 50_000, "^" * 300_000),
    ],
)
def test_hostile_texts_come_to_an_end(text: str) -> None:
    assert isinstance(identifiers_in(text), list)


def test_captions_hold_no_identifier() -> None:
    texts = [text for prompts in prompt_examples().values() for text in prompts]
    for number in range(200):
        row = Row(Path(), f"{number}", "train", "g", labels=("Effusion",), image_type="chest X-ray")
        row.age, row.sex = 20.0 + number % 70, "FM"[number % 2]
        texts += [caption(row, style, number) for style in STYLES]
    assert [text for text in texts if identifiers_in(text)] == []


def test_real_reports_raise_no_alarm(shared_data: Path) -> None:
    file = shared_data / "openi-reports" / "indiana_reports.csv"
    if not file.is_file():
        pytest.skip("the Open-i reports are not there")
    with open(file, newline="", encoding="utf-8") as stream:
        flagged = [
            row["uid"]
            for row in csv.DictReader(stream)
            if any(
                identifiers_in(row[name])
                for name in ("indication", "comparison", "findings", "impression")
            )
        ]
    assert flagged == []


def test_texts_reports_and_other_columns_are_searched(tmp_path: Path) -> None:
    for number, column in enumerate(("text", "report", "note")):
        value = "chest X-ray with pleural effusion. Seen by Dr. Keller."
        folder = write(tmp_path / str(number), set_cell("train", 4, **{column: value}))
        (finding,) = validate(folder).findings
        assert (finding.kind, finding.severity, finding.where) == (
            "identifier",
            "error",
            "train: train4.png",
        )
        assert finding.message == f"{column} holds a name with a title"


def test_a_report_never_repeats_what_it_found(tmp_path: Path) -> None:
    secret = "Dr. Zyxwhatever, MRN 4471203, z@clinic.example"
    folder = write(tmp_path / "d", set_cell("train", 4, report=secret))
    said = json.dumps(validate(folder).to_dict())
    for word in ("Zyxwhatever", "4471203", "clinic.example"):
        assert word not in said


def test_columns_that_name_patients(tmp_path: Path) -> None:
    names = ("patient_name", "PatientBirthDate", "Study Date", "MRN", "e-mail")
    fine = {"body_part": "chest", "date_offset": "3", "patient_id": "p1", "device_model": "X"}
    cells = {**dict.fromkeys(names, "x"), **fine}
    folder = write(tmp_path / "d", set_cell("train", 4, **cells))
    messages = {f.message for f in validate(folder).findings}
    assert messages == {f"column {name!r} may identify patients" for name in names}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("scan_2020-01-28_ap.png", "a date"),
        ("IM-20200128-1.png", "a date"),
        ("ROSSI^MARIA.png", "a name in DICOM form"),
        ("MRN_4471203.png", "a record number"),
        ("Dr_Keller_chest.png", "a name with a title"),
        ("00000231_013.png", ""),
        ("ISIC_0024313.jpg", ""),
        ("p000001-3f2a99c1.png", ""),
    ],
)
def test_file_names(name: str, kind: str) -> None:
    found = [f.message for f in name_identifiers([Row(Path(name), name, "train", "g")])]
    assert found == ([f"the file name holds {kind}"] if kind else [])
