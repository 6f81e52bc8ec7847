"""What a text says, denies and doubts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from synthmed.datasets.captions import STYLES, caption
from synthmed.datasets.negation import findings_in, verdict
from synthmed.datasets.reports import parse_report
from synthmed.datasets.rows import Row
from synthmed.datasets.synonyms import NORMAL, concept_of

# Floor of the agreement with the indexers of Open-i; measured: 0.957.
AGREEMENT = 0.94


@pytest.mark.parametrize(
    ("text", "concept", "status"),
    [
        ("Left pneumothorax.", "pneumothorax", "present"),
        ("No evidence of pneumothorax.", "pneumothorax", "absent"),
        ("There is no pneumothorax or pleural effusion.", "pleural effusion", "absent"),
        ("No pneumothorax, effusion, or consolidation.", "consolidation", "absent"),
        ("No pneumothorax, small left effusion.", "pleural effusion", "present"),
        ("No pneumothorax but large effusion.", "pleural effusion", "present"),
        ("Cannot exclude pneumonia.", "pneumonia", "uncertain"),
        ("Pneumonia cannot be excluded.", "pneumonia", "uncertain"),
        ("Pneumonia is not excluded.", "pneumonia", "uncertain"),
        ("Possible small effusion.", "pleural effusion", "uncertain"),
        ("Opacity, may represent atelectasis.", "atelectasis", "uncertain"),
        ("Pneumothorax is not seen.", "pneumothorax", "absent"),
        ("The effusion has resolved.", "pleural effusion", "absent"),
        ("No focal opacity to suggest pneumonia.", "pneumonia", "absent"),
        ("No change in the large effusion.", "pleural effusion", "present"),
        ("Without significant change of the pneumothorax.", "pneumothorax", "present"),
        ("MRI without contrast, lesion", "lesion", "present"),
        ("Heart size is within normal limits.", "cardiomegaly", "absent"),
        ("The heart is enlarged.", "cardiomegaly", "present"),
        ("Lungs are clear.", "pneumonia", "absent"),
        ("Lungs are clear.", NORMAL, "present"),
        ("No acute cardiopulmonary abnormality.", NORMAL, "present"),
        ("normal", NORMAL, "present"),
        ("COVID-19 pneumonia.", "COVID-19", "present"),
        ("COVID-19 pneumonia.", "pneumonia", "present"),
        ("husband was not tested for COVID-19", "COVID-19", "uncertain"),
    ],
)
def test_status(text: str, concept: str, status: str) -> None:
    assert findings_in(text).get(concept) == status


def test_what_is_present_counts_more_than_what_is_denied() -> None:
    found = findings_in("No pneumothorax on the left. Small pneumothorax on the right.")
    assert found == {"pneumothorax": "present"}
    assert NORMAL not in findings_in("Cardiomegaly. Lungs are clear.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Clear lungs. No effusion.", "normal"),
        ("The lungs are not clear.", None),
        ("Abnormal chest.", None),
        ("Cardiomegaly.", "abnormal"),
        ("Possible pneumonia.", "abnormal"),
        ("PA view of the chest.", None),
        ("", None),
    ],
)
def test_verdict(text: str, expected: str | None) -> None:
    assert verdict(text) == expected


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("chest X-ray", "Effusion"),
        ("chest X-ray", "No Finding"),
        ("brain MRI", "lesion"),
        ("brain MRI", "no lesion"),
        ("breast ultrasound", "malignant"),
        ("breast ultrasound", "normal"),
    ],
)
def test_captions_say_what_their_label_says(kind: str, label: str, style: str) -> None:
    for seed in range(12):
        row = Row(Path(), f"{seed}.png", "train", "g", labels=(label,), image_type=kind)
        row.extra["sequence"] = ("pre-contrast", "post-contrast", "FLAIR")[seed % 3]
        text = caption(row, style, seed)
        found = findings_in(text)
        concept = concept_of(label, kind)
        others = {c for c, s in found.items() if s == "present"} - {concept}
        assert not others, text
        assert found.get(str(concept), "present") == "present", text


@pytest.mark.parametrize(
    "text",
    ["no " * 50_000, "no finding, " * 20_000, "(" * 100_000, "a" * 1_000_000, "mass " * 9999],
)
def test_a_hostile_text_is_read_to_its_limit(text: str) -> None:
    assert set(findings_in(text)) <= {NORMAL, "lung mass"}


def test_normal_and_abnormal_reports_agree_with_the_indexers(shared_data: Path) -> None:
    file = shared_data / "openi-reports" / "indiana_reports.csv"
    if not file.is_file():
        pytest.skip("the Open-i reports are not there")
    with open(file, newline="", encoding="utf-8") as stream:
        reports = [r for r in csv.DictReader(stream) if r["findings"].strip() or r["impression"]]
    right = judged = 0
    for report in reports:
        if report["MeSH"].strip() in ("", "No Indexing"):
            continue
        judged += 1
        text = f"FINDINGS: {report['findings']}\nIMPRESSION: {report['impression']}"
        expected = "normal" if report["MeSH"].strip().lower() == "normal" else "abnormal"
        right += verdict(parse_report(text).description) == expected
    assert judged > 3700
    assert right / judged >= AGREEMENT, right / judged
