"""What the class numbers of the public MedMNIST v2 sets mean (2D sets; names as published).

Source: Yang et al., "MedMNIST v2", Scientific Data 10 (2023) 41, and its label tables.
"""

from __future__ import annotations

_ORGANS = (
    *("bladder", "left femur", "right femur", "heart", "left kidney", "right kidney", "liver"),
    *("left lung", "right lung", "pancreas", "spleen"),
)

LABELS: dict[str, tuple[str, ...]] = {
    "pathmnist": (
        *("adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle"),
        *("normal colon mucosa", "cancer-associated stroma"),
        "colorectal adenocarcinoma epithelium",
    ),
    "chestmnist": (
        *("atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule"),
        *("pneumonia", "pneumothorax", "consolidation", "edema", "emphysema", "fibrosis"),
        *("pleural thickening", "hernia"),
    ),
    "dermamnist": (
        *("actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma"),
        *("benign keratosis-like lesions", "dermatofibroma", "melanoma", "melanocytic nevi"),
        "vascular lesions",
    ),
    "octmnist": ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    "pneumoniamnist": ("normal", "pneumonia"),
    "retinamnist": tuple(f"diabetic retinopathy grade {grade}" for grade in range(5)),
    "breastmnist": ("malignant", "normal or benign"),
    "bloodmnist": (
        *("basophil", "eosinophil", "erythroblast", "immature granulocyte", "lymphocyte"),
        *("monocyte", "neutrophil", "platelet"),
    ),
    "tissuemnist": (
        *("collecting duct, connecting tubule", "distal convoluted tubule"),
        *("glomerular endothelial cells", "interstitial endothelial cells", "leukocytes"),
        *("podocytes", "proximal tubule segments", "thick ascending limb"),
    ),
    "organamnist": _ORGANS,
    "organcmnist": _ORGANS,
    "organsmnist": _ORGANS,
}

# Modality, body part, image type.
KINDS: dict[str, tuple[str, str, str]] = {
    "pathmnist": ("microscopy", "colon", "colon histology"),
    "chestmnist": ("X-ray", "chest", "chest X-ray"),
    "dermamnist": ("dermatoscopy", "skin", "dermatoscopy"),
    "octmnist": ("optical coherence tomography", "retina", "retinal OCT"),
    "pneumoniamnist": ("X-ray", "chest", "chest X-ray"),
    "retinamnist": ("fundus photography", "retina", "fundus photography"),
    "breastmnist": ("ultrasound", "breast", "breast ultrasound"),
    "bloodmnist": ("microscopy", "blood", "blood cell microscopy"),
    "tissuemnist": ("microscopy", "kidney", "kidney cell microscopy"),
    "organamnist": ("CT", "abdomen", "abdomen CT"),
    "organcmnist": ("CT", "abdomen", "abdomen CT"),
    "organsmnist": ("CT", "abdomen", "abdomen CT"),
}

NOTHING = {"chestmnist": "no finding"}  # a multi-label row without any label


def flag_of(name: str) -> str:
    """Give the set that a file's name names ("pneumoniamnist_224" is pneumoniamnist), or ""."""
    return next((flag for flag in LABELS if name.lower().startswith(flag)), "")
