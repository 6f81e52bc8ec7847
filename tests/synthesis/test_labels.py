from __future__ import annotations

from pathlib import Path

import pytest

from synthmed.datasets.captions import caption
from synthmed.datasets.concepts import CHEST_FINDINGS, SKIN_DIAGNOSES
from synthmed.datasets.prompts import prompt_for
from synthmed.datasets.rows import Row
from synthmed.synthesis.labels import labels_of


@pytest.mark.parametrize(
    ("prompt", "kind", "labels"),
    [
        ("chest X-ray, PA view, Cardiomegaly", "chest X-ray", ("cardiomegaly",)),
        ("chest X-ray, edema, pleural effusion", "chest X-ray", ("edema", "effusion")),
        ("normal chest X-ray", "chest X-ray", ("no finding",)),
        ("chest X-ray, no finding, pneumonia", "chest X-ray", ("pneumonia",)),
        ("chest X-ray, no pneumothorax, pneumonia", "chest X-ray", ("pneumonia",)),
        ("chest X-ray without effusion or edema", "chest X-ray", ()),
        ("chest X-ray with COVID-19 pneumonia", "chest X-ray", ("covid-19",)),
        ("chest X-ray with viral pneumonia", "chest X-ray", ()),
        ("chest X-ray with masses", "chest X-ray", ()),
        ("brain MRI, FLAIR, no lesion", "brain MRI", ("no lesion",)),
        ("mammogram, benign calcification", "mammography", ("benign",)),
        ("blood smear, one white cell", "blood smear", ()),
        ("pneumonia", "", ()),
    ],
)
def test_labels_are_what_the_prompt_states(prompt: str, kind: str, labels: tuple[str, ...]) -> None:
    assert labels_of(prompt, kind) == labels


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        *(("chest X-ray", label) for label in CHEST_FINDINGS if label != "normal"),
        *(("dermatoscopy", label) for label in SKIN_DIAGNOSES),
    ],
)
def test_the_plain_prompt_of_a_label_gives_it_back(kind: str, label: str) -> None:
    assert labels_of(prompt_for(kind, label), kind) == (label,)


@pytest.mark.parametrize("label", ["Pneumothorax", "Cardiomegaly", "No Finding"])
def test_diverse_captions_never_give_another_label(label: str) -> None:
    for number in range(60):
        row = Row(Path("x"), f"{number}.png", "train", f"p{number}", labels=(label,))
        row.image_type = "chest X-ray"
        found = labels_of(caption(row, "diverse", seed=number), "chest X-ray")
        assert found in {(label.lower(),), ()}
