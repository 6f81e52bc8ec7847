"""Write the DICOM files of an export and the table that maps them to rows."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from synthmed.datasets.exporters.dicom.general import describe, provenance, source_reference
from synthmed.datasets.exporters.dicom.objects import OBJECTS, Object
from synthmed.datasets.exporters.dicom.pixels import (
    COMPRESSIONS,
    add_pixels,
    add_rescale,
    add_window,
    encode,
)
from synthmed.datasets.exporters.dicom.place import Place, Places, source_uid
from synthmed.datasets.exporters.dicom.uids import uid
from synthmed.datasets.exporters.fidelity import codec_psnr
from synthmed.datasets.exporters.job import Job
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.exporters.pixels import Levels, meaning_of, read_levels, spacing_of
from synthmed.datasets.exporters.provenance import kept_texts
from synthmed.datasets.exporters.tables import (
    TableWriter,
    cells_of,
    check_cells,
    plain_columns,
    whole_file,
)
from synthmed.datasets.rows import Row, as_text
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic

_ADDED = ["patient_id", "study_uid", "series_uid", "sop_instance_uid", "instance_number"]


@dataclass(frozen=True)
class Options:
    """Options of the DICOM export.

    Attributes:
        sop: "sc" (Secondary Capture), or "dx", "cr", "ct", "mr", which claim more than is known.
        compress: "rle" or "jpeg2000", both without loss; None writes plain pixels.
        link_source: Edited images refer to the original's own UID where the row holds it, which
            leads back to the patient.
        spacing: (row, column) spacing in mm for rows that have none; only if you know it.
        embed_prompt: Write prompts into the files, not only their hashes.
    """

    sop: str = "sc"
    compress: str | None = None
    link_source: bool = False
    spacing: tuple[float, float] | None = None
    embed_prompt: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.sop not in OBJECTS:
            raise SynthmedError(f"no object {self.sop!r}", mend=f"Known: {', '.join(OBJECTS)}.")
        if self.compress is not None and self.compress not in COMPRESSIONS:
            raise SynthmedError(
                f"no compression {self.compress!r}", mend=f"Known: {', '.join(COMPRESSIONS)}."
            )
        if self.spacing is not None and not all(1e-6 < part < 1e4 for part in self.spacing):
            raise SynthmedError("a spacing is above 0 mm", where=self.spacing)


def write(job: Job, options: Options) -> None:
    """Write <split>/<patient>/S<series>/I<image>.dcm and metadata.csv."""
    chosen, places, figures = OBJECTS[options.sop], Places(job, options.sop), codec_psnr(job.info)
    if chosen.warning:
        job.note(chosen.warning)
    with whole_file(job.out / "metadata.csv") as stream:
        table = TableWriter(stream, plain_columns(job.rows, _ADDED))
        for row in job.each():
            place = places(row)
            path = job.out / place.file
            if (
                options.link_source
                and kind_of(row) == "edited"
                and not source_uid(row, link=True)[1]
            ):
                job.note(
                    "an edited image holds no original UID (column original_sop_instance_uid); its "
                    "reference is the de-identified one"
                )
            try:
                check_cells(row)
                if not path.exists():
                    ds = _instance(job, row, place, chosen, options, figures)
                    write_atomic(path, _file(ds))
                table.add(_cells(row, place))
            except SynthmedError as error:
                job.reject(row, error)
            else:
                job.written += 1
    if any(row.mask_file or row.masks or row.boxes for row in job.rows):
        job.note("masks and boxes are not in the DICOM files; boxes are in metadata.csv")


def _instance(
    job: Job, row: Row, place: Place, chosen: Object, options: Options, figures: dict[str, float]
) -> Dataset:
    """Make the data set of one image."""
    levels, bits = read_levels(row.file)
    if len(levels) == 3 and not chosen.colour:
        raise SynthmedError(f"a colour image cannot be a {options.sop.upper()} object")
    spacing = spacing_of(row) or options.spacing
    if chosen.needs_spacing and spacing is None:
        raise SynthmedError(
            f"a {options.sop.upper()} object needs a pixel spacing, and none is known",
            mend="Take Secondary Capture, or give --spacing if you know it.",
        )
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = chosen.sop_class, place.instance
    ds.ImageType = ["DERIVED", "SECONDARY"]
    describe(ds, row, place)
    chosen.add(ds, row, spacing)
    _values(ds, row, levels, chosen)
    if row.file.suffix.lower() in {".jpg", ".jpeg"}:
        ds.LossyImageCompression = "01"
        ds.LossyImageCompressionMethod = "ISO_10918_1"
        ds.LossyImageCompressionRatio = f"{levels.nbytes / max(1, row.file.stat().st_size):.4g}"
    else:
        ds.LossyImageCompression = "00"
    prompt = as_text(row.extra.get("prompt")) if options.embed_prompt else ""
    prompt = prompt or kept_texts(row.file)[0].get("prompt", "")
    provenance(ds, row, figures=figures, bits=bits, prompt=prompt)
    if kind_of(row) == "edited":
        source_reference(ds, source_uid(row, link=options.link_source)[0])
    encode(ds, options.compress)
    return ds


def _values(ds: Dataset, row: Row, levels: Levels, chosen: Object) -> None:
    """Add the pixels, what they mean, and a window."""
    stored = levels.astype(np.uint16) if chosen.deep else levels
    add_pixels(ds, stored)
    if len(levels) == 3:
        return
    top = float(np.iinfo(levels.dtype).max)
    meaning = meaning_of(row, levels.dtype.itemsize * 8)
    low, high = 0.0, top
    if chosen.rescale == "identity" or (chosen.rescale == "free" and chosen.deep):
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "US"
    if meaning is not None and meaning.window is not None:
        low, high = meaning.window
    if meaning is not None and chosen.rescale == "free":
        add_rescale(ds, meaning)
        if meaning.window is None:
            low, high = meaning.intercept, meaning.slope * top + meaning.intercept
    elif meaning is not None:
        low, high = ((end - meaning.intercept) / meaning.slope for end in (low, high))
        if meaning.window is None:
            low, high = 0.0, top
    add_window(ds, low, high)


def _cells(row: Row, place: Place) -> dict[str, object]:
    """Give a row's line of metadata.csv."""
    return {
        **cells_of(row),
        "file_name": place.file,
        "patient_id": place.patient,
        "study_uid": place.study,
        "series_uid": place.series,
        "sop_instance_uid": place.instance,
        "instance_number": place.instance_number,
    }


def _file(ds: Dataset) -> bytes:
    """Give the bytes of a DICOM file (PS3.10), always the same for the same data set."""
    meta = ds.file_meta
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.ImplementationClassUID = UID(uid("implementation", "synthmed"))
    meta.ImplementationVersionName = "SYNTHMED"
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
