"""The kinds of objects: what each adds to the common modules, and what it cannot hold.

Sources: DICOM PS3.3, A.8.1 (Secondary Capture), A.2 (CR), A.3 (CT), A.4 (MR), A.26 (DX).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from synthmed.datasets.exporters.dicom.general import code_item
from synthmed.datasets.exporters.dicom.pixels import decimal
from synthmed.datasets.exporters.dicom.terms import (
    PAIRED,
    body_part,
    laterality,
    modality_code,
    region,
    view_position,
)
from synthmed.datasets.exporters.dicom.uids import uid
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.exporters.pixels import number
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError


@dataclass(frozen=True)
class Object:
    """A kind of object.

    Attributes:
        sop_class: Its SOP Class UID.
        colour: Whether it holds RGB.
        deep: Whether pixels are always 16 bits.
        rescale: Whether it has a modality LUT: "free", "identity" (slope 1, type US) or "none".
        needs_spacing: Whether it cannot be without pixel spacing.
        add: Adds its own modules.
        warning: What it is not; "" for Secondary Capture.
    """

    sop_class: str
    colour: bool
    deep: bool
    rescale: str
    needs_spacing: bool
    add: Callable[[Dataset, Row, tuple[float, float] | None], None]
    warning: str = ""


def _capture(ds: Dataset, row: Row, spacing: tuple[float, float] | None) -> None:
    synthetic = kind_of(row) != "real"
    ds.Modality = "OT" if kind_of(row) == "generated" else modality_code(row)
    ds.ConversionType = "SYN" if synthetic else "WSD"  # synthetic image; workstation
    ds.PatientOrientation = ""
    if spacing is not None:
        ds.PixelSpacing = [decimal(part) for part in spacing]


def _cr(ds: Dataset, row: Row, spacing: tuple[float, float] | None) -> None:
    ds.Modality, ds.ViewPosition = "CR", view_position(row)
    ds.PatientOrientation = ds.KVP = ds.PlateID = ""
    ds.setdefault("BodyPartExamined", "")
    if spacing is not None:
        ds.ImagerPixelSpacing = [decimal(part) for part in spacing]


def _dx(ds: Dataset, row: Row, spacing: tuple[float, float] | None) -> None:
    if spacing is None:
        raise SynthmedError("a DX object needs a spacing")
    if view_position(row) not in {"AP", "PA"}:
        raise SynthmedError("a DX object needs to know how the patient lies: view AP or PA")
    ds.Modality, ds.PresentationIntentType = "DX", "FOR PRESENTATION"
    ds.ImagerPixelSpacing = [decimal(part) for part in spacing]
    ds.DetectorType = ds.PositionerType = ""
    ds.PatientOrientation = ["L", "F"]  # columns run to the patient's left, rows to the feet
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1
    ds.PresentationLUTShape = "IDENTITY"
    ds.BurnedInAnnotation = "NO" if kind_of(row) == "generated" else "YES"  # YES: may be
    ds.ViewPosition = view_position(row)
    ds.AcquisitionContextSequence = []
    code = region(row)
    ds.ImageLaterality = laterality(row) if body_part(row) in PAIRED else "U"
    ds.pop("Laterality", None)  # either this or that
    if not ds.ImageLaterality:
        raise SynthmedError("a DX object of a paired part needs its side (laterality L or R)")
    ds.AnatomicRegionSequence = [] if code is None else [code_item(code)]
    if code is None and "BodyPartExamined" in ds:
        del ds.BodyPartExamined  # a part without the code of its region is an error here


def _plane(ds: Dataset, row: Row, spacing: tuple[float, float] | None) -> None:
    """Add frame of reference and image plane (PS3.3, C.7.4.1 and C.7.6.2): axial by convention."""
    if spacing is None:
        raise SynthmedError("CT and MR objects need a spacing")
    ds.PixelSpacing = [decimal(part) for part in spacing]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    step, count = number(row, "spacing_slice"), number(row, "instance")
    known = step is not None and step > 0 and count is not None
    height = (step or 0.0) * (count or 0.0) if known else 0.0
    ds.ImagePositionPatient = ["0", "0", decimal(height)]
    ds.SliceThickness = ""
    ds.FrameOfReferenceUID = uid("frame", ds.SeriesInstanceUID if known else ds.SOPInstanceUID)
    ds.PositionReferenceIndicator = ds.PatientPosition = ""


def _ct(ds: Dataset, row: Row, spacing: tuple[float, float] | None) -> None:
    _plane(ds, row, spacing)
    ds.Modality, ds.KVP, ds.AcquisitionNumber = "CT", "", ""
    ds.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]


def _mr(ds: Dataset, row: Row, spacing: tuple[float, float] | None) -> None:
    _plane(ds, row, spacing)
    ds.Modality, ds.ScanningSequence, ds.SequenceVariant = "MR", "RM", "NONE"
    ds.ScanOptions = ds.MRAcquisitionType = ds.EchoTime = ds.EchoTrainLength = ""
    ds.RepetitionTime = ""
    ds.ImageType = ["DERIVED", "SECONDARY", "OTHER"]


_NOT = "holds no acquisition: no tube, detector, coil or geometry stands behind its values"
OBJECTS = {
    "sc": Object("1.2.840.10008.5.1.4.1.1.7", True, False, "free", False, _capture),
    "cr": Object(
        *("1.2.840.10008.5.1.4.1.1.1", False, False, "free", False, _cr),
        f"a CR object of this export {_NOT}",
    ),
    "dx": Object(
        *("1.2.840.10008.5.1.4.1.1.1.1", False, False, "identity", True, _dx),
        f"a DX object of this export {_NOT}; the relation of its values to dose is not known, and "
        "burned-in annotation is declared possible where nobody looked",
    ),
    "ct": Object(
        *("1.2.840.10008.5.1.4.1.1.2", False, True, "free", True, _ct),
        f"a CT object of this export {_NOT}; it is called axial by convention",
    ),
    "mr": Object(
        *("1.2.840.10008.5.1.4.1.1.4", False, True, "none", True, _mr),
        f"an MR object of this export {_NOT}; it is called axial by convention",
    ),
}
