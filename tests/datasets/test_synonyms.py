"""One concept, many wordings."""

from __future__ import annotations

import pytest

from synthmed.datasets import concepts
from synthmed.datasets.synonyms import NORMAL, concept_of, implied, vocabulary_of_findings


@pytest.mark.parametrize(
    "words",
    ["no finding", "No_Finding", "lungs are clear", "normal", "Normal.", "clear lungs", "healthy"],
)
def test_wordings_of_nothing_found_are_one_concept(words: str) -> None:
    assert concept_of(words) == NORMAL
    assert concept_of(words, "chest X-ray") == NORMAL


@pytest.mark.parametrize(
    ("words", "concept"),
    [
        ("Effusion", "pleural effusion"),
        ("pleural fluid", "pleural effusion"),
        ("pleural effusions", "pleural effusion"),
        ("enlarged heart", "cardiomegaly"),
        ("pneumothoraces", "pneumothorax"),
        ("Pleural_Thickening", "pleural thickening"),
        ("mole", "melanocytic nevus"),
        ("the atelectases", "atelectasis"),
        ("no lesion", NORMAL),
        ("unicorn", None),
        ("", None),
    ],
)
def test_synonyms_of_a_finding(words: str, concept: str | None) -> None:
    assert concept_of(words) == concept


def test_a_label_is_looked_up_in_the_table_of_its_type_first() -> None:
    assert concept_of("mass", "chest X-ray") == "lung mass"
    assert concept_of("malignant", "breast ultrasound") == "malignant lesion"
    assert concept_of("normal", "breast ultrasound") == NORMAL


def test_every_label_of_the_concepts_has_a_concept() -> None:
    for table in (concepts.CHEST_FINDINGS, concepts.BRAIN_FINDINGS, concepts.SKIN_DIAGNOSES):
        for label, concept in table.items():
            assert concept_of(label) == (NORMAL if concept.absent else concept.names[0])


def test_no_phrase_names_two_concepts_and_kinds_have_parents() -> None:
    phrases = vocabulary_of_findings()
    assert phrases["bacterial pneumonia"] == "pneumonia"  # a name of four concepts
    assert all(phrase == phrase.casefold() for phrase in phrases)
    assert implied("COVID-19") == ("COVID-19", "pneumonia")
    assert implied("pneumothorax") == ("pneumothorax",)
