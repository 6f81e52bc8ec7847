"""What a row's facts are called: one short function for each image type that has a recipe.

Each function gives the `Parts` of a caption; `captions.py` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from synthmed.datasets import concepts
from synthmed.datasets.phrases import (
    Described,
    Parts,
    Pick,
    clean,
    count,
    findings_of,
    label_words,
    name,
    qualifier,
)


def chest_xray(row: Described, pick: Pick) -> Parts:
    """Name view and findings of a chest X-ray."""
    head = pick(("chest X-ray", "chest radiograph", "chest film", "CXR", "chest xray"))
    findings, adjective = findings_of(concepts.CHEST_FINDINGS, row.labels, pick)
    return Parts(head, findings, adjective, qualifier(concepts.CHEST_VIEWS, row.view, pick))


def brain_mri(row: Described, pick: Pick) -> Parts:
    """Name sequence (column `sequence`) and lesion of a brain MRI."""
    head = pick(("brain MRI", "MRI of the brain", "brain MRI scan", "brain MR image"))
    findings, adjective = findings_of(concepts.BRAIN_FINDINGS, row.labels, pick)
    sequence = qualifier(concepts.MRI_SEQUENCES, row.extra.get("sequence"), pick)
    return Parts(head, findings, adjective, sequence)


def breast_ultrasound(row: Described, pick: Pick) -> Parts:
    """Name the finding of a breast ultrasound."""
    head = pick(("breast ultrasound", "ultrasound image of the breast", "breast sonogram"))
    findings, adjective = findings_of(concepts.BREAST_ULTRASOUND_FINDINGS, row.labels, pick)
    return Parts(head, findings, adjective)


def mammography(row: Described, pick: Pick) -> Parts:
    """Name tissue, abnormality (columns of these names) and dignity of a mammogram."""
    tissue = qualifier({}, name(concepts.BREAST_TISSUES, row.extra.get("tissue"), pick), pick)
    abnormality = name(concepts.MAMMOGRAPHY_ABNORMALITIES, row.extra.get("abnormality"), pick)
    labels = [label_words(label) for label in row.labels if clean(label)]
    finding = " ".join([*labels, abnormality or "lesion"]) if labels or abnormality else ""
    if labels == ["normal"] and not abnormality:
        finding = pick(("normal tissue", "no lesion"))
    head = pick(("mammogram", "mammogram", "mammography", "breast X-ray"))
    qualifiers = tuple((after, "") for after, _ in tissue)
    return Parts(head, (finding,) if finding else (), "", qualifiers)


def dermatoscopy(row: Described, pick: Pick) -> Parts:
    """Name diagnosis and site (`body_part`) of a dermatoscopic image."""
    head = pick(("dermatoscopy", "dermoscopy", "dermatoscopic image", "dermatoscopic photo"))
    found = " and ".join(name(concepts.SKIN_DIAGNOSES, label, pick) for label in row.labels)
    place = clean(row.body_part)
    if place.casefold() in ("", "skin"):
        site = ""
    elif place.casefold() in concepts.SKIN_SITES:
        site = name(concepts.SKIN_SITES, place, pick)
    else:
        site = f"on the {label_words(place)}"
    finding = " ".join(word for word in (found or "skin lesion", site) if word)
    return Parts(head, (finding,), links=("of", "showing", ""), back=",")


def blood_smear(row: Described, pick: Pick) -> Parts:
    """Name the cells of a blood smear (columns `n_wbc`, `n_platelets`, `n_rbc`).

    No white or red cells at all are left unsaid: in the bundled set they are missing annotations.
    """
    white, platelets, red = (count(row, column) for column in ("n_wbc", "n_platelets", "n_rbc"))
    findings = [label_words(label) for label in row.labels if clean(label)]
    if white:
        noun = pick(("white cell", "white blood cell", "leukocyte"))
        number = {1: "one", 2: "two"}.get(white, "several")
        findings.append(f"{number} {noun}{'' if white == 1 else 's'}")
    if red:
        noun = pick(("red cells", "red blood cells", "erythrocytes"))
        amount = "few " if red < 9 else "many " if red > 14 else ""
        findings.append(amount + noun)
    if platelets is not None:
        noun = pick(("platelet", "platelet", "thrombocyte"))
        number = {0: "no", 1: "one", 2: "two"}.get(platelets, "several")
        findings.append(f"{number} {noun}{'' if platelets == 1 else 's'}")
    head = pick(("blood smear", "peripheral blood smear", "blood film"))
    return Parts(head, tuple(findings), back=" in")


def _nuclei(row: Described, pick: Pick, head: str, kinds: Sequence[str]) -> Parts:
    number = count(row, "n_nuclei")
    findings = [label_words(label) for label in row.labels if clean(label)]
    if number is not None:
        kind = pick(kinds)
        amounts = (
            (1, ("no",)),
            (10, ("few", "sparse")),
            (30, ("several", "scattered")),
            (60, ("many", "numerous")),
        )
        names = next((words for limit, words in amounts if number < limit), ("crowded", "dense"))
        findings.append(f"{pick(names)} {kind}")
    return Parts(head, tuple(findings), links=("of", "with", "showing", ""), back=" in")


def fluorescence_nuclei(row: Described, pick: Pick) -> Parts:
    """Name the amount of nuclei (column `n_nuclei`) in a fluorescence micrograph."""
    head = pick(("fluorescence microscopy", "fluorescence image", "fluorescence micrograph"))
    return _nuclei(row, pick, head, ("nuclei", "cell nuclei", "fluorescent nuclei"))


def bright_field_nuclei(row: Described, pick: Pick) -> Parts:
    """Name the amount of nuclei (column `n_nuclei`) in a stained bright-field micrograph."""
    head = pick(("bright-field microscopy", "bright-field image", "stained bright-field image"))
    return _nuclei(row, pick, head, ("stained nuclei", "cell nuclei", "purple nuclei"))


def other(row: Described, pick: Pick) -> Parts:
    """Name type, view and labels of an image whose type has no recipe."""
    findings, adjective = findings_of({}, row.labels, pick)
    head = clean(row.image_type) or clean(row.body_part) or "medical image"
    return Parts(head, findings, adjective, qualifier({}, row.view, pick))


Recipe = Callable[[Described, Pick], Parts]
RECIPES: Mapping[str, Recipe] = {
    "chest x-ray": chest_xray,
    "brain mri": brain_mri,
    "breast ultrasound": breast_ultrasound,
    "mammography": mammography,
    "breast mammography": mammography,
    "dermatoscopy": dermatoscopy,
    "skin dermatoscopy": dermatoscopy,
    "blood smear": blood_smear,
    "blood smear microscopy": blood_smear,
    "fluorescence nuclei": fluorescence_nuclei,
    "bright-field nuclei": bright_field_nuclei,
}
