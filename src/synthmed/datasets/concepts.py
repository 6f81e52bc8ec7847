"""The words of the caption engine: findings, diagnoses, views and sites in plain language.

Every table goes from a source's label (case-folded, underscores as spaces) to a `Concept`. The
first name is the canonical one, used by the style *simple* and by prompts; the others are the
synonyms of the style *diverse*. Names follow Hansell et al., "Fleischner Society: glossary of
terms for thoracic imaging" (Radiology 2008), BI-RADS and the ISIC diagnoses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    """One thing that a caption can say.

    Attributes:
        names: Phrases that can follow "with" or "showing"; the first is canonical.
        absent: Whether the concept says that nothing was found.
        adjectives: Words that say the same before the name of the image ("normal chest X-ray").
    """

    names: tuple[str, ...]
    absent: bool = False
    adjectives: tuple[str, ...] = ()


Table = Mapping[str, Concept]


# For all types: labels that say that nothing was found.
NORMAL: Table = dict.fromkeys(
    ("no finding", "no findings", "normal", "healthy"),
    Concept(("no finding",), absent=True, adjectives=("normal",)),
)

NO_CHEST_FINDING = Concept(
    (
        "no finding",
        "no acute finding",
        "no abnormality",
        "lungs clear",
        "clear lungs and normal heart size",
        "clear lungs, no pleural effusion",
        "no pneumothorax or pleural effusion",
    ),
    absent=True,
    adjectives=("normal", "normal", "unremarkable"),
)

CHEST_FINDINGS: Table = {
    "no finding": NO_CHEST_FINDING,
    "normal": NO_CHEST_FINDING,
    "atelectasis": Concept(("atelectasis", "atelectatic lung", "partial lung collapse")),
    "cardiomegaly": Concept(("cardiomegaly", "enlarged heart", "enlarged cardiac silhouette")),
    "consolidation": Concept(("consolidation", "lung consolidation", "airspace consolidation")),
    "edema": Concept(("pulmonary edema", "lung edema", "edema")),
    "effusion": Concept(("pleural effusion", "effusion", "pleural fluid")),
    "emphysema": Concept(("emphysema", "pulmonary emphysema", "emphysematous lungs")),
    "fibrosis": Concept(("pulmonary fibrosis", "fibrosis", "lung scarring")),
    "hernia": Concept(("hernia", "herniation")),
    "infiltration": Concept(("lung infiltration", "infiltrate", "lung infiltrates")),
    "mass": Concept(("lung mass", "pulmonary mass", "mass")),
    "nodule": Concept(("lung nodule", "pulmonary nodule", "nodule")),
    "pleural thickening": Concept(("pleural thickening", "thickened pleura")),
    "pneumonia": Concept(("pneumonia", "lung infection")),
    "pneumothorax": Concept(("pneumothorax", "air in the pleural space")),
    "covid-19": Concept(("COVID-19", "COVID-19 pneumonia", "coronavirus pneumonia")),
    "ards": Concept(("ARDS", "acute respiratory distress syndrome")),
    "streptococcus": Concept(("streptococcal pneumonia", "bacterial pneumonia")),
    "klebsiella": Concept(("Klebsiella pneumonia", "bacterial pneumonia")),
    "legionella": Concept(("Legionella pneumonia", "bacterial pneumonia")),
    "chlamydophila": Concept(("Chlamydophila pneumonia", "bacterial pneumonia")),
    "mycoplasma bacterial pneumonia": Concept(("Mycoplasma pneumonia", "bacterial pneumonia")),
    "bacterial": Concept(("bacterial pneumonia",)),
    "varicella": Concept(("varicella pneumonia", "chickenpox pneumonia", "viral pneumonia")),
    "influenza": Concept(("influenza pneumonia", "viral pneumonia")),
    "pneumocystis": Concept(("Pneumocystis pneumonia", "fungal pneumonia")),
    "lipoid": Concept(("lipoid pneumonia",)),
}

BRAIN_FINDINGS: Table = {
    "lesion": Concept(("lesion", "tumor", "glioma", "lower-grade glioma", "brain lesion")),
    "no lesion": Concept(
        ("no lesion", "no visible lesion", "no tumor", "no glioma"),
        absent=True,
    ),
}

BREAST_ULTRASOUND_FINDINGS: Table = {
    "benign": Concept(("benign lesion", "benign mass", "benign tumor")),
    "malignant": Concept(("malignant lesion", "malignant mass", "malignant tumor", "cancer")),
    "normal": Concept(
        ("normal tissue", "no lesion", "no mass", "normal breast tissue"),
        absent=True,
        adjectives=("normal",),
    ),
}

MAMMOGRAPHY_ABNORMALITIES: Table = {
    "calcification": Concept(("calcification", "calcifications")),
    "well-defined/circumscribed mass": Concept(("circumscribed mass", "well-defined mass")),
    "spiculated mass": Concept(("spiculated mass", "mass with spiculated margins")),
    "other, ill-defined mass": Concept(("ill-defined mass", "indistinct mass")),
    "architectural distortion": Concept(("architectural distortion", "distorted architecture")),
    "asymmetry": Concept(("asymmetry", "asymmetric density")),
}

BREAST_TISSUES: Table = {
    "fatty": Concept(("fatty tissue", "fatty breast")),
    "fatty-glandular": Concept(("fatty-glandular tissue", "mixed fatty and glandular tissue")),
    "dense-glandular": Concept(("dense-glandular tissue", "dense tissue", "dense breast")),
}

SKIN_DIAGNOSES: Table = {
    "melanocytic nevus": Concept(("melanocytic nevus", "nevus", "benign nevus", "mole")),
    "melanoma": Concept(("melanoma", "malignant melanoma")),
    "benign keratosis-like lesion": Concept(
        ("benign keratosis", "keratosis-like lesion", "benign keratosis-like lesion")
    ),
    "basal cell carcinoma": Concept(("basal cell carcinoma", "BCC")),
    "actinic keratosis / intraepithelial carcinoma": Concept(
        ("actinic keratosis", "intraepithelial carcinoma", "actinic keratosis or carcinoma in situ")
    ),
    "vascular lesion": Concept(("vascular lesion", "vascular skin lesion")),
    "dermatofibroma": Concept(("dermatofibroma", "benign dermatofibroma")),
}

SKIN_SITES: Table = {
    "abdomen": Concept(("on the abdomen", "on the belly")),
    "back": Concept(("on the back",)),
    "chest": Concept(("on the chest",)),
    "ear": Concept(("on the ear",)),
    "face": Concept(("on the face",)),
    "foot": Concept(("on the foot",)),
    "genital": Concept(("on genital skin",)),
    "hand": Concept(("on the hand",)),
    "lower extremity": Concept(("on the leg", "on the lower extremity")),
    "neck": Concept(("on the neck",)),
    "scalp": Concept(("on the scalp",)),
    "trunk": Concept(("on the trunk",)),
    "upper extremity": Concept(("on the arm", "on the upper extremity")),
}

# Views and sequences: (what follows the image's name after a comma, what goes before it).
CHEST_VIEWS: Mapping[str, tuple[Concept, Concept]] = {
    "pa": (Concept(("PA view", "posteroanterior view")), Concept(("PA", "posteroanterior"))),
    "ap": (Concept(("AP view", "anteroposterior view")), Concept(("AP", "anteroposterior"))),
    "ap supine": (Concept(("supine AP view", "AP view, supine")), Concept(("supine AP", "supine"))),
    "l": (Concept(("lateral view",)), Concept(("lateral",))),
    "lateral": (Concept(("lateral view",)), Concept(("lateral",))),
}

MRI_SEQUENCES: Mapping[str, tuple[Concept, Concept]] = {
    "flair": (Concept(("FLAIR", "FLAIR sequence")), Concept(("FLAIR", "axial FLAIR"))),
    "pre-contrast": (
        Concept(("T1 pre-contrast", "T1 without contrast")),
        Concept(("pre-contrast T1", "non-contrast T1")),
    ),
    "post-contrast": (
        Concept(("T1 post-contrast", "T1 with contrast")),
        Concept(("post-contrast T1", "contrast-enhanced T1")),
    ),
}
