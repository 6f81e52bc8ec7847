from pathlib import Path

import pytest

from synthmed.datasets.captions import caption, fits
from synthmed.datasets.prompts import prompt_examples, prompt_for
from synthmed.datasets.rows import Row


def test_prompt_is_the_simple_caption() -> None:
    name = "images/a.png"
    row = Row(
        file=Path(name),
        file_name=name,
        split="train",
        group_id="g:1",
        image_type="brain MRI",
        labels=("lesion",),
        extra={"sequence": "FLAIR"},
    )
    assert prompt_for("brain MRI", "lesion", sequence="FLAIR") == caption(row, "simple")


@pytest.mark.parametrize(
    ("age", "sex", "ending"),
    [
        (56, "F", ", 56-year-old woman"),
        (12, "M", ", 12-year-old boy"),
        (101, "M", ", 90-year-old man"),
        (40, None, ", 40-year-old patient"),
        (None, "F", ", woman"),
        (None, None, ""),
    ],
)
def test_prompt_with_patient(age: float | None, sex: str | None, ending: str) -> None:
    prompt = prompt_for("chest X-ray", "Cardiomegaly", view="PA", age=age, sex=sex)
    assert prompt == "chest X-ray, PA view, cardiomegaly" + ending


def test_prompts_of_the_judged_pairs_differ_only_in_the_concept() -> None:
    assert prompt_for("chest X-ray", "No Finding") == "chest X-ray, no finding"
    assert prompt_for("breast ultrasound", "benign") == "breast ultrasound, benign lesion"
    assert prompt_for("breast ultrasound", "malignant") == "breast ultrasound, malignant lesion"
    assert prompt_for("brain MRI", "no lesion") == "brain MRI, no lesion"
    assert prompt_for("dermatoscopy", "melanocytic nevus") == "dermatoscopy, melanocytic nevus"
    assert prompt_for("dermatoscopy", "melanoma") == "dermatoscopy, melanoma"


def test_examples_are_eight_different_captions_a_type() -> None:
    examples = prompt_examples()
    assert len(examples) == 8
    for prompts in examples.values():
        assert len(set(prompts)) == 8
        assert all(fits(prompt) for prompt in prompts)
