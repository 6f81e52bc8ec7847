"""Prompts in the captions' canonical wording, and what is known of a prompt's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthmed.datasets.captions import plain
from synthmed.datasets.patients import patient_words
from synthmed.datasets.words import known_content_words, unknown_words, vocabulary

__all__ = ["known_content_words", "prompt_examples", "prompt_for", "unknown_words", "vocabulary"]

# In the wording of `prompt_for` and of the caption style *diverse*.
_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "chest X-ray": (
        "chest X-ray, PA view, no finding",
        "chest X-ray, AP view, pleural effusion",
        "chest X-ray, PA view, cardiomegaly",
        "chest X-ray, AP view, atelectasis, lung infiltration",
        "chest X-ray, PA view, pneumothorax",
        "chest X-ray, supine AP view, COVID-19",
        "chest X-ray, PA view, no finding, 30-year-old woman",
        "chest X-ray, AP view, pulmonary edema, pleural effusion, 75-year-old man",
    ),
    "brain MRI": (
        "brain MRI, FLAIR, lesion",
        "brain MRI, FLAIR, no lesion",
        "brain MRI, T1 pre-contrast, lesion",
        "brain MRI, T1 pre-contrast, no lesion",
        "brain MRI, T1 post-contrast, lesion",
        "brain MRI, T1 post-contrast, no lesion",
        "brain MRI, FLAIR, lesion, 30-year-old patient",
        "brain MRI, FLAIR, no lesion, 60-year-old patient",
    ),
    "breast ultrasound": (
        "breast ultrasound, normal tissue",
        "breast ultrasound, benign lesion",
        "breast ultrasound, malignant lesion",
        "ultrasound image of the breast showing benign mass",
        "breast sonogram with malignant tumor",
        "normal breast ultrasound",
        "malignant mass on breast ultrasound",
        "breast ultrasound with no mass",
    ),
    "mammography": (
        "mammogram, fatty tissue, benign circumscribed mass",
        "mammogram, fatty tissue, malignant spiculated mass",
        "mammogram, dense-glandular tissue, malignant calcification",
        "mammogram, dense-glandular tissue, benign calcification",
        "mammogram, fatty-glandular tissue, malignant architectural distortion",
        "mammogram, fatty-glandular tissue, benign asymmetry",
        "mammogram, fatty-glandular tissue, malignant ill-defined mass",
        "mammogram, dense-glandular tissue, benign spiculated mass",
    ),
    "dermatoscopy": (
        "dermatoscopy, melanocytic nevus on the back",
        "dermatoscopy, melanoma on the back",
        "dermatoscopy, basal cell carcinoma on the face",
        "dermatoscopy, benign keratosis on the chest",
        "dermatoscopy, actinic keratosis on the face",
        "dermatoscopy, vascular lesion on the trunk",
        "dermatoscopy, dermatofibroma on the leg",
        "dermatoscopy, melanoma on the arm, 70-year-old man",
    ),
    "blood smear": (
        "blood smear, one white cell, red cells, no platelets",
        "blood smear, one white cell, red cells, one platelet",
        "blood smear, one white cell, red cells, two platelets",
        "blood smear, one white cell, red cells, several platelets",
        "blood smear, two white cells, red cells, no platelets",
        "blood smear, one white cell, many red cells, no platelets",
        "blood smear, one white cell, few red cells, one platelet",
        "blood smear, two white cells, red cells, one platelet",
    ),
    "fluorescence nuclei": (
        "fluorescence microscopy, no nuclei",
        "fluorescence microscopy, few nuclei",
        "fluorescence microscopy, several nuclei",
        "fluorescence microscopy, many nuclei",
        "fluorescence microscopy, crowded nuclei",
        "fluorescence micrograph of scattered cell nuclei",
        "fluorescence image with few fluorescent nuclei",
        "numerous cell nuclei in fluorescence microscopy",
    ),
    "bright-field nuclei": (
        "bright-field microscopy, few stained nuclei",
        "bright-field microscopy, several stained nuclei",
        "bright-field microscopy, many stained nuclei",
        "bright-field microscopy, crowded stained nuclei",
        "stained bright-field image of scattered cell nuclei",
        "bright-field image with sparse purple nuclei",
        "numerous stained nuclei in bright-field microscopy",
        "bright-field microscopy showing dense cell nuclei",
    ),
}


@dataclass
class _Facts:
    """The facts of a prompt, in the shape of a row."""

    image_type: str
    labels: tuple[str, ...] = ()
    view: str = ""
    body_part: str = ""
    age: float | None = None
    sex: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    group_id: str = ""
    file_name: str = ""


def prompt_for(
    image_type: str,
    *labels: str,
    view: str = "",
    body_part: str = "",
    age: float | None = None,
    sex: str | None = None,
    **extra: object,
) -> str:
    """Write the prompt of a concept, in the wording of the caption style *simple*.

    Args:
        image_type: For example "chest X-ray"; types without a recipe are allowed.
        labels: As in a dataset: "Cardiomegaly", "No Finding", "malignant", "lesion".
        view: For example "PA".
        body_part: The site of a skin lesion, for example "back".
        age: In years.
        sex: "M" or "F".
        extra: Other columns that the type's recipe reads: `sequence` (brain MRI), `tissue` and
            `abnormality` (mammography), `n_wbc`, `n_platelets` and `n_rbc` (blood smear),
            `n_nuclei` (nuclei).

    Returns:
        For example "chest X-ray, PA view, cardiomegaly, 56-year-old woman".
    """
    facts = _Facts(image_type, labels, view, body_part, age, sex, dict(extra))
    return plain(facts, patient_words(age, sex))


def prompt_examples() -> dict[str, list[str]]:
    """Give example prompts that cover the concepts of each bundled image type.

    Returns:
        Image type to eight prompts.
    """
    return {image_type: list(prompts) for image_type, prompts in _EXAMPLES.items()}
