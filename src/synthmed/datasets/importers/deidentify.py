"""What is kept of a DICOM header, and how: an allow-list after PS3.15 Annex E.

The Basic Application Level Confidentiality Profile (PS3.15, Table E.1-1) says of each attribute
what is done to it. Nothing of a header is copied here: the attributes below are read, all others
are left behind, the private ones, overlays, curves and nested sequences among them. (`deid`, the
library of the pydicom project, edits headers by recipes to write DICOM files again; where only an
allow-list is read and no DICOM is written there is nothing for it to do.)

=========================== ============ ========= =============================================
attribute                   tag          profile   here
=========================== ============ ========= =============================================
Patient ID                  (0010,0020)  Z/D       keyed hash in `group_id`
Issuer of Patient ID        (0010,0021)  X         enters that hash, not kept
Study Instance UID          (0020,000D)  U         keyed hash in `study_id`
Series Instance UID         (0020,000E)  U         keyed hash in `series_id`
SOP Instance UID            (0008,0018)  U         keyed hash, to find repeated files; not kept
Study Date                  (0008,0020)  Z         C: `day_offset` from the group's first date
Patient's Birth Date        (0010,0030)  Z         only for a missing age; not kept
Patient's Age               (0010,1010)  X         K: `age`; 90 and above are 90
Patient's Sex               (0010,0040)  Z         K: `sex`
Study, Series Description   (0008,1030)  X         X; C with `keep_description`: known names,
                            (0008,103E)            ids and dates removed, the rest searched
Image Comments              (0020,4000)  X         as the descriptions
Modality, Image Type,       (0008,0060)  not named kept; codes only, other characters refused
Body Part Examined, View    (0008,0008)
Position, Laterality, ...   (0018,0015)
Manufacturer and its Model  (0008,0070)  not named kept, without the patient's known names
Name                        (0008,1090)
Instance Number, Spacing    (0020,0013)  not named kept
Between Slices              (0018,0088)
=========================== ============ ========= =============================================

"K" of the patient's characteristics is the profile's option E.3.5 (Retain Patient
Characteristics), "C" of the dates the option E.3.6 (Retain Longitudinal Temporal Information With
Modified Dates), "C" of the texts the option E.3.4 (Clean Descriptors). Pixels are not cleaned:
files that say Burned In Annotation YES are rejected by the importer.
"""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any

from synthmed.datasets.importers.identifiers import remove_known

if TYPE_CHECKING:
    from pydicom import Dataset

MAX_AGE = 90.0
_CODE = re.compile(r"[A-Z0-9_ ./-]{1,32}")
_AGE = re.compile(r"(\d{1,3})([DWMY])")
_PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
_DESCRIPTIONS = ("StudyDescription", "SeriesDescription", "ImageComments")
_KNOWN = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientAddress",
    "OtherPatientIDs",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "PatientTelephoneNumbers",
    "AccessionNumber",
    "StudyDate",
    "StudyID",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "NameOfPhysiciansReadingStudy",
    "OperatorsName",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
)


def text_of(header: Dataset, keyword: str, limit: int = 256) -> str:
    """Give an attribute as one line of text, "" if it is absent or cannot be read."""
    from pydicom.multival import MultiValue

    try:
        value = header.get(keyword)
        several = isinstance(value, list | tuple | MultiValue)
        parts = list(value)[:16] if several else [] if value is None else [value]
        text = "\\".join(map(str, parts))
    except Exception:  # what an attribute raises depends on what is wrong with it
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit]


def code_of(header: Dataset, keyword: str) -> str:
    """Give a coded attribute (VR CS): capitals, digits, blanks and _ only; else ""."""
    text = text_of(header, keyword, 64).upper()
    return text if _CODE.fullmatch(text) else ""


def known_identifiers(header: Dataset) -> list[str]:
    """Give what the header says of persons, places, ids and dates, to search texts for."""
    return [text for keyword in _KNOWN if (text := text_of(header, keyword))]


def patient_of(header: Dataset) -> str:
    """Give what identifies the patient: id and issuer, else the study, else the series; or ""."""
    if patient := text_of(header, "PatientID"):
        return f"{patient}\x1f{text_of(header, 'IssuerOfPatientID')}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        if uid := text_of(header, keyword):
            return f"{keyword}\x1f{uid}"
    return ""


def day_of(header: Dataset) -> int | None:
    """Give the study's day as a proleptic Gregorian ordinal, None if it has no date."""
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        if date := _date(text_of(header, keyword)):
            return date.toordinal()
    return None


def age_of(header: Dataset) -> float | None:
    """Give the age in years: Patient's Age, else from the birth date; at most 90, or None."""
    years: float | None = None
    if match := _AGE.fullmatch(text_of(header, "PatientAge").upper()):
        years = int(match[1]) / _PER_YEAR[match[2]]
    else:
        born, day = _date(text_of(header, "PatientBirthDate")), day_of(header)
        if born is not None and day is not None and day >= born.toordinal():
            years = float(int((day - born.toordinal()) / 365.2425))
    return None if years is None or years > 130 else round(min(years, MAX_AGE), 2)


def sex_of(header: Dataset) -> str:
    """Give "M", "F" or ""."""
    sex = text_of(header, "PatientSex").upper()
    return sex if sex in {"M", "F"} else ""


def description_of(header: Dataset) -> tuple[str, bool]:
    """Give the descriptions and comments without what the header names of persons and places.

    Returns:
        The text, and whether anything was removed.
    """
    texts = [text_of(header, keyword, 1024) for keyword in _DESCRIPTIONS]
    return remove_known(". ".join(filter(None, texts)), known_identifiers(header))


def device_of(header: Dataset) -> dict[str, Any]:
    """Give `manufacturer` and `device_model`, without the header's names."""
    known = known_identifiers(header)
    names = {"manufacturer": "Manufacturer", "device_model": "ManufacturerModelName"}
    cells = {to: text_of(header, keyword, 64) for to, keyword in names.items()}
    return {to: remove_known(text, known)[0] for to, text in cells.items() if text}


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(text[:10].replace(".", "")[:8], "%Y%m%d").date()
    except ValueError:
        return None
