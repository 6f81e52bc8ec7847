"""Patient, study, series, equipment and provenance of an exported instance (DICOM PS3.3, C.7)."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from synthmed import __version__
from synthmed.datasets.exporters.dicom.place import Place
from synthmed.datasets.exporters.dicom.terms import PAIRED, body_part, laterality, short
from synthmed.datasets.exporters.fidelity import psnr_words
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.exporters.provenance import EDITED_NOTICE, NOTICE, made_with
from synthmed.datasets.rows import Row, as_text

_SC_CLASS = "1.2.840.10008.5.1.4.1.1.7"
_WORDS = {"generated": "synthetic", "edited": "edited from real", "real": "real"}


def describe(ds: Dataset, row: Row, place: Place) -> None:
    """Add patient, study and series; nothing stands in for a date or time that is not known.

    Type 2 attributes that are unknown are there and empty (PS3.5, 7.4.3).
    """
    given = "Pseudonym" if kind_of(row) == "real" else "Synthetic"
    ds.PatientName, ds.PatientID = f"{place.patient}^{given}", place.patient
    ds.PatientBirthDate, ds.PatientSex = "", row.sex or ""
    if row.age is not None:
        ds.PatientAge = f"{int(row.age):03d}Y"
    ds.StudyInstanceUID, ds.StudyID = place.study, ""
    ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.SeriesInstanceUID, ds.SeriesNumber = place.series, place.series_number
    kind = _WORDS[kind_of(row)]
    ds.StudyDescription = f"{kind} images, exported by synthmed"
    ds.SeriesDescription = short(f"{kind} {row.image_type or 'image'}", 64)
    ds.InstanceNumber = place.instance_number
    if part := body_part(row):
        ds.BodyPartExamined = part
    if part in PAIRED:  # type 2C: there, and empty where unknown; absent for unpaired parts
        ds.Laterality = laterality(row)
    if kind_of(row) == "real":
        ds.Manufacturer = short(as_text(row.extra.get("manufacturer")), 64)
        if model := short(as_text(row.extra.get("device_model")), 64):
            ds.ManufacturerModelName = model
    else:
        ds.Manufacturer = "synthmed"
        ds.ManufacturerModelName = short(as_text(row.extra.get("generator")), 64) or "unknown"
        ds.SoftwareVersions = __version__


def provenance(
    ds: Dataset, row: Row, *, figures: Mapping[str, float], bits: int, prompt: str
) -> None:
    """Say that and how an image was made.

    Synthetic Data (0008,001C) is YES where some or all of the content was made artificially
    (PS3.3, C.12.1), edited images included. Contributing Equipment (0018,A001) names the generator
    with a purpose of CID 7005.

    Args:
        ds: The instance.
        row: Its row; nothing is added for a real image.
        figures: What `codec_psnr` gave.
        bits: Bits stored; more than 8 name the codec's PSNR.
        prompt: The prompt's text where the image file itself holds it, else "".
    """
    kind = kind_of(row)
    if kind == "real":
        return
    ds.SyntheticData = "YES"
    facts = made_with(row)
    if bits > 8:
        facts["codec_psnr"] = psnr_words(row, figures)
    purposes = [codes.cid7005.SynthesizingEquipment]
    if kind == "edited":
        purposes.append(codes.cid7005.ModifyingEquipment)
    ds.ContributingEquipmentSequence = [_equipment(ds, code, facts) for code in purposes]
    comment = NOTICE if kind == "generated" else EDITED_NOTICE
    ds.ImageComments = short(f"{comment} {f'Prompt: {prompt}' if prompt else ''}", 10000)
    made = "Drawn by a generative model" if kind == "generated" else "Edited by a generative model"
    depth = f"; codec PSNR: {facts['codec_psnr']}" if bits > 8 else ""
    ds.DerivationDescription = short(f"{made}{depth}", 1024)


def source_reference(ds: Dataset, uid: str) -> None:
    """Refer to the image that an edited one was made from (PS3.3, C.12.4; purpose of CID 7202)."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = _SC_CLASS, uid
    purpose = codes.cid7202.SourceImageForImageProcessingOperation
    item.PurposeOfReferenceCodeSequence = [code_item(purpose)]
    ds.SourceImageSequence = [item]


def code_item(code: Code) -> Dataset:
    """Give a code as a sequence item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def _equipment(ds: Dataset, purpose: Code, facts: Mapping[str, str]) -> Dataset:
    item = Dataset()
    item.Manufacturer, item.SoftwareVersions = "synthmed", __version__
    item.ManufacturerModelName = ds.ManufacturerModelName
    item.ContributionDescription = short(
        "; ".join(f"{name}={value}" for name, value in facts.items()), 1024
    )
    item.PurposeOfReferenceCodeSequence = [code_item(purpose)]
    return item
