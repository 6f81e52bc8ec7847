"""Identifiers in DICOM files that lie in a dataset folder: telling attributes, private data.

The attributes are those of DICOM PS3.15, table E.1-1 (basic profile), that name a person, a
place or a number by which either can be found.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from synthmed.datasets.validation.findings import Finding

_TELLING = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientBirthTime", "OtherPatientIDs"),
    *("OtherPatientNames", "PatientBirthName", "PatientMotherBirthName", "PatientAddress"),
    *("PatientTelephoneNumbers", "MilitaryRank", "MedicalRecordLocator", "PatientComments"),
    *("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName"),
    *("ReferringPhysicianName", "PerformingPhysicianName", "PhysiciansOfRecord", "OperatorsName"),
    *("NameOfPhysiciansReadingStudy", "RequestingPhysician", "AccessionNumber", "StudyID"),
    *("IssuerOfPatientID", "PersonName", "DeviceSerialNumber"),
)
_PSEUDONYMS = ("PatientID", "StudyID")  # fine where the file says that it was de-identified
_DUMMY = re.compile(
    r"|anon\w*|unknown|removed|none|no[ _]?name|de-?identified|[x0-]+|syn-.*", re.IGNORECASE
)
_DEFLATED = "1.2.840.10008.1.2.1.99"


def is_dicom(file: Path) -> bool:
    """Tell whether a file has the preamble of a DICOM file (PS3.10, section 7.1)."""
    try:
        with open(file, "rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def dicom_findings(file: Path, where: str) -> Iterator[Finding]:
    """Look into the header of a DICOM file; its pixels are not read.

    Args:
        file: The file.
        where: Its name for the findings.
    """
    try:
        header = _header(file)
        telling, private = _look(header)
        if str(header.get("PatientIdentityRemoved", "")).upper() == "YES":
            telling = [name for name in telling if name not in _PSEUDONYMS]
        burned = str(getattr(header, "BurnedInAnnotation", "")).upper() == "YES"
    except Exception as error:  # pydicom raises many kinds on damaged files
        message = " ".join(str(error).split())[:200] or type(error).__name__
        yield Finding("unreadable", "warning", where, f"the DICOM header cannot be read: {message}")
        return
    if telling:
        yield Finding("header", "error", where, f"DICOM attributes: {', '.join(telling)}")
    if private:
        groups = ", ".join(f"{group:04X}" for group in sorted(set(private))[:5])
        message = f"{len(private)} private DICOM elements (group {groups})"
        yield Finding("header", "error", where, message)
    if burned:
        message = "the file says that text is burned into its pixels"
        yield Finding("header", "error", where, message)


def _header(file: Path) -> Any:
    import pydicom
    from pydicom.filereader import read_file_meta_info

    syntax = str(read_file_meta_info(file).get("TransferSyntaxUID", ""))
    if syntax == _DEFLATED:  # decompressing it would not be bounded
        raise ValueError("deflated files are not looked into")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="End of file")
        return pydicom.dcmread(file, stop_before_pixels=True)


def _look(header: Any) -> tuple[list[str], list[int]]:
    """Name the telling attributes that have a value, and the groups of private elements."""
    telling: dict[str, None] = {}
    private: list[int] = []
    for element in header.iterall():
        if element.tag.is_private:
            if element.tag.element > 0xFF:  # not the reservation of the block
                private.append(int(element.tag.group))
        elif element.keyword in _TELLING and not _DUMMY.fullmatch(str(element.value).strip(" ^")):
            telling[element.keyword] = None
    return list(telling), private
