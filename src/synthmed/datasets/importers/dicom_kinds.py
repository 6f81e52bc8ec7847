"""Which DICOM objects are pictures to learn from, and why the others are not (PS3.4, PS3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthmed.datasets.importers.deidentify import code_of, text_of

if TYPE_CHECKING:
    from pydicom import Dataset

_ROOT = "1.2.840.10008.5.1.4.1.1."
DIRECTORY = "1.2.840.10008.1.3.10"
# The beginning of a SOP class UID behind _ROOT, and what it is.
_OTHERS = {
    "88.59": "key object selection",
    "88.": "structured report",
    "11.": "presentation state",
    "104.": "encapsulated document",
    "9.": "waveform",
    "66.4": "segmentation (its labels are of another file's image)",
    "66": "registration, fiducials or surface",
    "67": "real-world value mapping",
    "68.": "surface scan",
    "30": "parametric map",
    "481.1": "radiotherapy portal image",
    "481.": "radiotherapy object",
    "78.": "ophthalmic measurements",
    "79.": "ophthalmic report",
    "80.": "ophthalmic report",
    "4.2": "MR spectroscopy",
    "200.": "display system or protocol",
}
_CAPTURE = "7"  # secondary capture, its multi-frame kinds 7.1 to 7.4 too


def refusal(header: Dataset, *, allow_burned_in: bool, allow_captures: bool) -> str:
    """Say why a DICOM object is not imported, "" if it is.

    Args:
        header: The header.
        allow_burned_in: Take images that say Burned In Annotation YES.
        allow_captures: Take secondary captures.
    """
    sop_class = text_of(header, "SOPClassUID") or _stored_class(header)
    if reason := _by_class(sop_class, allow_captures):
        return reason
    if header.get("Rows") is None or header.get("Columns") is None:
        return "no image in this DICOM object (no rows and columns)"
    image_type = text_of(header, "ImageType").upper().split("\\")
    if {"LOCALIZER", "SCOUT"} & set(image_type):
        return "localizer (Image Type)"
    if {"SCREEN SAVE", "DOSE INFO", "REPORT"} & set(image_type):
        return "screen save or dose report (Image Type)"
    if code_of(header, "BurnedInAnnotation").startswith("Y") and not allow_burned_in:
        return "Burned In Annotation is YES: the pixels may name the patient (--allow-burned-in)"
    return ""


def _by_class(sop_class: str, allow_captures: bool) -> str:
    if sop_class == DIRECTORY:
        return "DICOMDIR (a directory, no image)"
    if not sop_class.startswith(_ROOT):
        return ""
    kind = sop_class.removeprefix(_ROOT)
    if kind == "104.1":
        return "encapsulated PDF"
    if kind == _CAPTURE or kind.startswith(_CAPTURE + "."):
        if not allow_captures:
            return "secondary capture: a screen or a scan, often with text (--allow-captures)"
        return ""
    for start, name in _OTHERS.items():
        if kind == start or kind.startswith(start if start.endswith(".") else start + "."):
            return name
    return ""


def _stored_class(header: Dataset) -> str:
    meta = getattr(header, "file_meta", None)
    return text_of(meta, "MediaStorageSOPClassUID") if meta is not None else ""
