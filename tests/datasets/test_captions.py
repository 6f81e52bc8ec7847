import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from synthmed.datasets import concepts
from synthmed.datasets.captions import MAX_WORDS, STYLES, caption, fits, plain
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError

TABLES = (
    concepts.CHEST_FINDINGS,
    concepts.BRAIN_FINDINGS,
    concepts.BREAST_ULTRASOUND_FINDINGS,
    concepts.MAMMOGRAPHY_ABNORMALITIES,
    concepts.BREAST_TISSUES,
    concepts.SKIN_DIAGNOSES,
    concepts.SKIN_SITES,
)
NEGATION = re.compile(r"\b(no|normal|clear|unremarkable)\b")


def row(image_type: str, *labels: str, **facts: object) -> Row:
    name = "images/a.png"
    made = Row(file=Path(name), file_name=name, split="train", group_id="g:1", labels=labels)
    extra = {k: facts.pop(k) for k in list(facts) if k not in Row.__dataclass_fields__}
    return replace(made, image_type=image_type, extra=extra, **facts)


def wordings(one: Row, style: str = "diverse", n: int = 200) -> set[str]:
    return {caption(one, style, seed) for seed in range(n)}


def every_wording() -> Iterator[str]:
    for table in TABLES:
        for concept in table.values():
            yield from (*concept.names, *concept.adjectives)


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (row("chest X-ray", "No Finding", view="PA"), "chest X-ray, PA view, no finding"),
        (
            row("chest X-ray", "Pleural_Thickening", "Effusion", view="AP"),
            "chest X-ray, AP view, pleural thickening, pleural effusion",
        ),
        (
            row("brain MRI", "no lesion", sequence="post-contrast"),
            "brain MRI, T1 post-contrast, no lesion",
        ),
        (row("breast ultrasound", "malignant"), "breast ultrasound, malignant lesion"),
        (
            row("mammography", "benign", tissue="fatty", abnormality="other, ill-defined mass"),
            "mammogram, fatty tissue, benign ill-defined mass",
        ),
        (
            row("dermatoscopy", "melanoma", body_part="lower extremity"),
            "dermatoscopy, melanoma on the leg",
        ),
        (
            row("blood smear", n_wbc="1", n_platelets="0", n_rbc="20"),
            "blood smear, one white cell, many red cells, no platelets",
        ),
        (row("fluorescence nuclei", n_nuclei="0"), "fluorescence microscopy, no nuclei"),
        (row("bright-field nuclei", n_nuclei=59), "bright-field microscopy, many stained nuclei"),
        (
            row("hand radiograph", "Fracture", "Soft_Tissue", view="oblique"),
            "hand radiograph, oblique, fracture, soft tissue",
        ),
    ],
)
def test_simple_captions(described: Row, expected: str) -> None:
    assert caption(described, "simple", 3) == expected


def test_same_row_and_seed_give_same_caption_and_seeds_differ() -> None:
    one = row("chest X-ray", "Effusion", view="PA", age=56.0, sex="F")
    moved = replace(one, file=Path("/elsewhere/a.png"))
    for style in STYLES:
        assert [caption(one, style, s) for s in range(20)] == [
            caption(moved, style, s) for s in range(20)
        ]
    assert len(wordings(one)) > 30
    other = replace(one, file_name="images/b.png")
    assert [caption(one, "diverse", s) for s in range(20)] != [
        caption(other, "diverse", s) for s in range(20)
    ]


def test_wording_of_version_1_is_fixed() -> None:
    one = row("chest X-ray", "Effusion", view="PA", age=56.0, sex="F")
    assert [caption(one, "diverse+patient", seed) for seed in range(4)] == [
        "chest film, PA view, woman in her fifties",
        "CXR, posteroanterior view, showing effusion, female patient aged 56",
        "chest film, posteroanterior view, effusion, 56-year-old woman",
        "CXR, posteroanterior view, pleural fluid, 56-year-old woman",
    ]


@pytest.mark.parametrize(
    ("described", "forbidden"),
    [
        (row("chest X-ray", "No Finding", view="PA"), r"\bwith (pleural )?effusion\b"),
        (
            row("brain MRI", "no lesion", sequence="FLAIR"),
            r"(?<!no )(?<!visible )\b(lesion|tumor|glioma)\b",
        ),
        (
            row("breast ultrasound", "normal"),
            r"\b(benign|malignant|cancer|tumor)\b|(?<!no )\b(lesion|mass)\b",
        ),
    ],
)
def test_absent_findings_stay_absent(described: Row, forbidden: str) -> None:
    captions = wordings(described)
    assert not [text for text in captions if re.search(forbidden, text)]
    with_finding = [text for text in captions if NEGATION.search(text)]
    assert len(with_finding) > 0.7 * len(captions)


def test_present_findings_never_become_absent() -> None:
    for table, image_type in (
        (concepts.CHEST_FINDINGS, "chest X-ray"),
        (concepts.BRAIN_FINDINGS, "brain MRI"),
        (concepts.BREAST_ULTRASOUND_FINDINGS, "breast ultrasound"),
    ):
        for label, concept in table.items():
            if not concept.absent:
                captions = wordings(row(image_type, label), n=30)
                assert not [text for text in captions if NEGATION.search(text)]


def test_absence_yields_to_presence() -> None:
    for labels in (("No Finding", "Effusion"), ("Effusion", "normal")):
        both = row("chest X-ray", *labels)
        assert plain(both) == "chest X-ray, pleural effusion"
        assert not [text for text in wordings(both) if NEGATION.search(text)]


def test_zero_white_cells_are_left_unsaid() -> None:
    smear = row("blood smear", n_wbc="0", n_platelets="1", n_rbc="0")
    assert caption(smear) == "blood smear, one platelet"


def test_age_and_sex_only_in_their_style() -> None:
    one = row("dermatoscopy", "melanoma", body_part="back", age=56.0, sex="F")
    patient = re.compile(r"\d|woman|female|fifties")
    assert not [text for text in wordings(one) if patient.search(text)]
    told = wordings(one, "diverse+patient")
    assert all("56" in text or "fifties" in text for text in told)
    assert any("fifties" in text for text in told)
    assert all("woman" in text or "female" in text for text in told)


@pytest.mark.parametrize(
    ("age", "sex", "allowed"),
    [
        (90.0, "M", {"90"}),
        (8.0, "F", {"8"}),
        (0.0, "F", set()),
        (None, "M", set()),
        (62.0, None, {"62"}),
    ],
)
def test_ages_are_digits(age: float | None, sex: str | None, allowed: set[str]) -> None:
    one = row("dermatoscopy", "melanoma", age=age, sex=sex)
    texts = wordings(one, "diverse+patient")
    assert {number for text in texts for number in re.findall(r"\d+", text)} == allowed
    assert not [text for text in texts if re.search(r"\ba 8|\ba 11|\ba 18", text)]


def test_blank_spellings_leave_no_trace() -> None:
    blank = row("mammography", "nan", "", "None", view="nan", tissue=float("nan"), abnormality=None)
    assert wordings(blank) <= {"mammogram", "mammography", "breast X-ray"}
    assert caption(row("", body_part="")) == "medical image"


def test_own_text_is_kept_unchanged() -> None:
    text = "Two screws,  no loosening. " + "Long " * 40
    for style in STYLES:
        assert caption(row("spine X-ray", "Screw", text=text), style, 5) == text.strip()


def test_many_labels_still_fit() -> None:
    long = row("chest X-ray", *concepts.CHEST_FINDINGS, view="AP Supine", age=85.0, sex="M")
    for style in STYLES:
        assert all(fits(text) for text in wordings(long, style))
    assert len(caption(long).split()) > MAX_WORDS / 2


def test_tables_hold_plain_unique_phrases() -> None:
    for phrase in every_wording():
        assert phrase == " ".join(phrase.split())
        assert "_" not in phrase
        assert "/" not in phrase


def test_unknown_style_is_refused() -> None:
    with pytest.raises(SynthmedError, match="diverse\\+patient"):
        caption(row("brain MRI"), "poetic")
