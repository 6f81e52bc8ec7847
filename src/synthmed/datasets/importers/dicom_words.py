"""A DICOM header in the dataset contract's words: modality, body part, view, side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthmed.datasets.importers.deidentify import code_of, text_of

if TYPE_CHECKING:
    from pydicom import Dataset

MODALITIES = {  # PS3.3 C.7.3.1.1.1
    "CR": "X-ray",
    "DX": "X-ray",
    "DR": "X-ray",
    "RG": "X-ray",
    "PX": "X-ray",
    "IO": "X-ray",
    "CT": "CT",
    "MR": "MRI",
    "US": "ultrasound",
    "IVUS": "ultrasound",
    "MG": "mammography",
    "XA": "angiography",
    "RF": "fluoroscopy",
    "NM": "nuclear medicine",
    "PT": "PET",
    "OP": "fundus photography",
    "OPT": "optical coherence tomography",
    "ES": "endoscopy",
    "GM": "microscopy",
    "SM": "microscopy",
    "XC": "photography",
}
_VIEWS = {  # View Position, PS3.3 C.8.7.1 and C.8.11
    "PA": "PA",
    "AP": "AP",
    "LL": "left lateral",
    "RL": "right lateral",
    "LATERAL": "lateral",
    "LAT": "lateral",
    "RLD": "right lateral decubitus",
    "LLD": "left lateral decubitus",
    "RLO": "right lateral oblique",
    "LLO": "left lateral oblique",
}
_VIEW_CODES = {  # PS3.16 CID 4010 and 4014: SNOMED CT, and SNOMED RT as in older files
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "399173006": "left lateral",
    "R-10236": "left lateral",
    "399198007": "right lateral",
    "R-10232": "right lateral",
    "399260004": "ML",
    "R-10224": "ML",
    "399352003": "LM",
    "R-10228": "LM",
    "399368009": "MLO",
    "R-10226": "MLO",
    "399162004": "CC",
    "R-10242": "CC",
}
_PROJECTIONS = {"CR", "DX", "DR", "RG", "RF", "XA"}
_AXES = ("sagittal", "coronal", "axial")


def words_of(header: Dataset) -> dict[str, Any]:
    """Give `modality`, `body_part`, `view`, `laterality`, `image_type`; unknown ones left out."""
    code = code_of(header, "Modality")
    modality = MODALITIES.get(code, code)
    part = code_of(header, "BodyPartExamined").replace("_", " ").lower()
    side = (code_of(header, "ImageLaterality") or code_of(header, "Laterality"))[:1]
    if modality in {"mammography", "fundus photography"}:
        part = part or {"mammography": "breast"}.get(modality, "retina")
        image_type = modality
    else:
        image_type = f"{part} {modality}".strip()
    cells = {
        "modality": modality,
        "body_part": part,
        "view": view_of(header),
        "laterality": {"L": "left", "R": "right", "B": "both"}.get(side, ""),
        "image_type": image_type,
    }
    return {name: value for name, value in cells.items() if value}


def view_of(header: Dataset) -> str:
    """Name the view: View Position, View Code Sequence, else the orientation; "" if unknown."""
    position = code_of(header, "ViewPosition")
    if position:
        return _VIEWS.get(position, position)
    for keyword in ("ViewCodeSequence",):
        try:
            code = str(header[keyword].value[0].CodeValue)
        except Exception:  # absent, empty or damaged
            continue
        if code in _VIEW_CODES:
            return _VIEW_CODES[code]
    if code_of(header, "Modality") in _PROJECTIONS:
        return _projection(text_of(header, "PatientOrientation").upper())
    return _plane(text_of(header, "ImageOrientationPatient"))


def _projection(orientation: str) -> str:
    """Give "frontal" or "lateral" from Patient Orientation; AP and PA are shown alike."""
    row = orientation.split("\\", maxsplit=1)[0][:1]
    return {"L": "frontal", "R": "frontal", "A": "lateral", "P": "lateral"}.get(row, "")


def _plane(orientation: str) -> str:
    """Give the plane of the axis that the slice's normal is nearest to (PS3.3 C.7.6.2.1.1)."""
    try:
        a, b, c, d, e, f = (float(part) for part in orientation.split("\\"))
    except ValueError:
        return ""
    normal = [abs(b * f - c * e), abs(c * d - a * f), abs(a * e - b * d)]
    return _AXES[normal.index(max(normal))] if max(normal) > 0.5 else ""
