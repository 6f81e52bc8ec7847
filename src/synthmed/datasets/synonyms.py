"""Many wordings, one concept: which finding a phrase or a label names.

The vocabulary takes all names of `concepts.py` and adds what radiologists write. It is read only:
captions and prompts are made by `captions.py`, whose wording it does not change. "No finding",
"lungs are clear" and "normal" all name the concept `NORMAL`. Whether a phrase is said or denied
is decided in `negation.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from synthmed.datasets import concepts
from synthmed.datasets.concepts import Table
from synthmed.datasets.phrases import clean

NORMAL = "no finding"
"""The concept that nothing was found."""

_TABLES: Mapping[str, Table] = {
    "chest x-ray": concepts.CHEST_FINDINGS,
    "brain mri": concepts.BRAIN_FINDINGS,
    "breast ultrasound": concepts.BREAST_ULTRASOUND_FINDINGS,
    "mammography": {**concepts.BREAST_ULTRASOUND_FINDINGS, **concepts.MAMMOGRAPHY_ABNORMALITIES},
    "dermatoscopy": concepts.SKIN_DIAGNOSES,
}
_ALSO: Mapping[str, tuple[str, ...]] = {
    "atelectasis": ("atelectases", "atelectatic", "volume loss", "collapse"),
    "cardiomegaly": (
        "cardiac enlargement",
        "enlarged cardiomediastinal silhouette",
        "enlargement of the cardiac silhouette",
        "heart is enlarged",
        "heart size is enlarged",
        "heart is mildly enlarged",
    ),
    "consolidation": ("consolidations", "airspace disease", "consolidative"),
    "pulmonary edema": ("oedema", "vascular congestion", "pulmonary congestion", "heart failure"),
    "pleural effusion": ("effusions", "pleural effusions", "hydrothorax", "costophrenic blunting"),
    "emphysema": ("emphysematous", "copd", "chronic obstructive pulmonary disease"),
    "pulmonary fibrosis": ("fibrotic", "scarring", "scar", "cicatrix"),
    "hernia": ("hernias", "hiatal hernia"),
    "lung infiltration": ("infiltration", "infiltrates"),
    "lung mass": ("masses", "neoplasm", "lung tumor"),
    "lung nodule": ("nodules", "nodular density", "nodular opacity", "nodular densities"),
    "pneumonia": ("bacterial pneumonia", "viral pneumonia", "fungal pneumonia", "bronchopneumonia"),
    "pneumothorax": ("pneumothoraces", "pneumothoraxes"),
    "COVID-19": ("covid", "sars-cov-2 pneumonia"),
    "benign lesion": ("benign",),
    "malignant lesion": ("malignant", "malignancy", "carcinoma"),
    "lesion": ("lesions", "gliomas", "brain tumor"),
}
# Findings of chest X-rays that have no label in `concepts.py`.
_OTHER: Mapping[str, tuple[str, ...]] = {
    "opacity": ("opacity", "opacities", "opacification", "airspace opacity", "density"),
    "granuloma": ("granuloma", "granulomas", "granulomatous"),
    "calcification": ("calcified", "calcific"),
    "hyperinflation": ("hyperinflation", "hyperinflated", "hyperexpanded", "hyperexpansion"),
    "low lung volumes": ("low lung volumes", "low volumes", "hypoinflation", "hypoinflated"),
    "degenerative change": (
        *("degenerative", "osteophyte", "osteophytes", "spondylosis", "arthritis"),
        *("osteophytic", "arthritic", "degeneration", "arthropathy", "spurring"),
    ),
    "scoliosis": ("scoliosis", "dextroscoliosis", "levoscoliosis", "kyphosis", "curvature"),
    "fracture": ("fracture", "fractures", "compression deformity", "wedging", "deformities"),
    "atherosclerosis": ("atherosclerosis", "atherosclerotic"),
    "aortic change": (
        *("tortuous", "ectatic", "tortuosity", "unfolded", "unfolding", "aneurysm", "dilated"),
        *("ectasia", "dilatation", "aortic enlargement", "uncoiled", "uncoiling"),
    ),
    "surgical change": (
        *("sternotomy", "postsurgical", "postoperative", "surgical clips", "clips", "sutures"),
        *("cabg", "surgical changes", "mastectomy", "cholecystectomy", "wires"),
    ),
    "device": ("catheter", "tube", "pacemaker", "port-a-cath", "picc", "leads", "stent", "line"),
    "bronchiectasis": ("bronchiectasis", "bronchovascular crowding", "peribronchial", "cuffing"),
    "interstitial change": ("interstitial", "reticular", "interstitial markings"),
    "elevated diaphragm": ("eventration", "elevated hemidiaphragm", "elevation"),
    "adenopathy": ("adenopathy", "lymphadenopathy"),
}
_NORMAL_PHRASES = (
    *("no finding", "no findings", "no acute finding", "no acute findings", "no abnormality"),
    *("no abnormalities", "no acute abnormality", "no lesion", "no mass", "no tumor"),
    *("normal", "healthy", "unremarkable", "normal tissue", "normal chest", "within normal limits"),
    *(
        "lungs clear",
        "clear lungs",
        "lungs are clear",
        "lungs are both clear",
        "lungs appear clear",
    ),
    *("no acute disease", "no active disease", "no visible lesion", "no glioma"),
)
# Concepts that are kinds of another: who has the one has the other.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "COVID-19": ("pneumonia",),
    "consolidation": ("opacity",),
    "pneumonia": ("opacity",),
    "lung infiltration": ("opacity",),
}
# Of each line only one can be true of an image.
EXCLUSIVE = (
    frozenset(("benign lesion", "malignant lesion")),
    frozenset(concept.names[0] for concept in concepts.SKIN_DIAGNOSES.values()),
)


@cache
def vocabulary_of_findings() -> Mapping[str, str]:
    """Give all phrases that name a finding, case-folded, and the concept of each.

    Returns:
        Phrase to concept; a concept's name is the canonical name in `concepts.py`.
    """
    found: dict[str, set[str]] = {}
    for table in _TABLES.values():
        for concept in table.values():
            for phrase in () if concept.absent else concept.names:
                found.setdefault(phrase.casefold(), set()).add(concept.names[0])
    phrases = {phrase: sorted(names)[0] for phrase, names in found.items() if len(names) == 1}
    for extra in (_ALSO, _OTHER):
        for concept_name, names in extra.items():
            phrases.update(dict.fromkeys((name.casefold() for name in names), concept_name))
    return phrases


def concept_of(label: object, image_type: str = "") -> str | None:
    """Give the concept that a label or a short phrase names.

    Args:
        label: For example "No_Finding", "lungs are clear", "Effusion".
        image_type: For example "chest X-ray"; its own table is looked at first.

    Returns:
        The concept's canonical name, `NORMAL` where it says that nothing was found, or None for a
        label that no table knows.
    """
    text = clean(label).casefold().strip(" .")
    text = re.sub(r"^(the|a|an) ", "", text)
    if text in _NORMAL_PHRASES or text in concepts.NORMAL:
        return NORMAL
    kind = image_type.casefold()
    own = [table for name, table in _TABLES.items() if name in kind]
    for table in (*own, *_TABLES.values()):
        if text in table:
            return NORMAL if table[text].absent else table[text].names[0]
    return vocabulary_of_findings().get(text)


def implied(concept: str) -> tuple[str, ...]:
    """Give the concepts that a concept is a kind of, itself included."""
    return tuple(dict.fromkeys((concept, *_KINDS.get(concept, ()))))
