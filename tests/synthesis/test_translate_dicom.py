"""DICOM in, DICOM out: derived, with a reference to its source, and no name of a patient."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from tiny_translators import card, translator
from translation_sets import small_set

from synthmed.datasets import read_dataset
from synthmed.datasets.exporters import export
from synthmed.imaging.reading import open_image
from synthmed.models.generator import Generator
from synthmed.synthesis.translate import translate

CR = "1.2.840.10008.5.1.4.1.1.1"


@pytest.fixture(scope="module")
def model() -> Generator:
    gate = {"types": [{"image_type": "chest X-ray", "psnr": 31.25}]}
    return translator(card=card(training={"gate": gate}))


def run(model: Any, images: Path, out: Path, **options: Any) -> Any:
    how = {"target": "site b", "depth": 0.4, "steps": 2, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return translate(model, images, out, **{**how, **options})


def exported(folder: Path, out: Path, **options: Any) -> list[pydicom.Dataset]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        export(folder, "dicom", out, **options)
    return [pydicom.dcmread(file) for file in sorted(out.rglob("*.dcm"))]


def film(file: Path, photometric: str = "MONOCHROME2") -> Path:
    """A 12-bit radiograph with a name, 30 x 20 pixels of 0.2 x 0.3 mm."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CR, "1.2.3.4.5"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = CR, "1.2.3.4.5"
    ds.PatientName, ds.PatientID, ds.Modality = "Doe^Jane", "MRN-0042", "CR"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 30, 20, 1
    ds.PhotometricInterpretation = photometric
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelSpacing = [0.2, 0.3]
    row, column = np.mgrid[:30, :20]
    ds.PixelData = (row * 100 + column * 37).astype("<u2").tobytes()
    ds.save_as(file, enforce_file_format=True)
    return file


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_a_radiograph_keeps_bits_spacing_and_orientation(
    model: Generator, tmp_path: Path, photometric: str
) -> None:
    file = film(tmp_path / "film.dcm", photometric)
    run(model, file, tmp_path / "out", source="render", target="render", detail="keep")
    (row,) = read_dataset(tmp_path / "out").rows
    x, spec = open_image(file)
    again, stored = open_image(row.file)
    assert stored.bits == 16
    assert again.shape == (1, 30, 20)
    assert np.abs(again - x).max() < 2 / 65535
    assert (row.extra["spacing_row"], row.extra["spacing_column"]) == (0.2, 0.3)
    assert row.modality == "CR"
    values = again.astype(float) * row.extra["value_scale"] + row.extra["value_offset"]
    assert np.array_equal(np.rint(values), np.rint(spec.to_value(x)))
    first, last = np.rint(values)[0, 0, 0], np.rint(values)[0, 29, 19]
    assert (first, last) == (0, 29 * 100 + 19 * 37)


def test_no_name_of_a_patient_is_carried_on(model: Generator, tmp_path: Path) -> None:
    file = film(tmp_path / "film.dcm")
    run(model, file, tmp_path / "out", source="render")
    exported(tmp_path / "out", tmp_path / "dicom")
    for path in [*(tmp_path / "out").rglob("*"), *(tmp_path / "dicom").rglob("*")]:
        data = path.read_bytes() if path.is_file() else b""
        for secret in (b"Jane", b"MRN-0042", b"1.2.3.4.5"):
            assert secret not in data, path


def test_an_exported_translation_is_derived_and_refers_to_its_source(
    model: Generator, tmp_path: Path
) -> None:
    folder = small_set(tmp_path / "in")
    run(model, folder, tmp_path / "out", source="render")
    made = exported(tmp_path / "out", tmp_path / "made")
    real = exported(folder, tmp_path / "real")
    assert len(made) == 5
    known = {ds.SOPInstanceUID for ds in real}
    assert not known & {ds.SOPInstanceUID for ds in made}
    assert len({ds.SOPInstanceUID for ds in made}) == 5
    for ds in made:
        assert list(ds.ImageType) == ["DERIVED", "SECONDARY"]
        assert ds.SyntheticData == "YES"
        (source,) = ds.SourceImageSequence
        assert source.ReferencedSOPInstanceUID in known  # what an export of the source writes
        codes = [
            item.PurposeOfReferenceCodeSequence[0].CodeMeaning
            for item in ds.ContributingEquipmentSequence
        ]
        assert codes == ["Synthesizing Equipment", "Modifying Equipment"]
        assert "Edited by a generative model" in ds.DerivationDescription
        assert "not anonymous" in ds.ImageComments
    deep = next(ds for ds in made if ds.BitsStored == 16)
    assert "31.2 dB" in deep.DerivationDescription
    assert [float(part) for part in deep.PixelSpacing] == [0.7, 0.8]
    assert deep.RescaleType == "HU"
    again = exported(tmp_path / "out", tmp_path / "again")
    assert [ds.SOPInstanceUID for ds in again] == [ds.SOPInstanceUID for ds in made]


def test_real_dicom_files(model: Generator, shared_data: Path, tmp_path: Path) -> None:
    """Thirty odd encodings: each is translated to its own size, or listed with its reason."""
    folder = shared_data / "dicom-samples" / "dicom"
    result = run(model, folder, tmp_path / "out", source="render", steps=1, depth=0.8)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert result.images + len(result.rejected) == len(files)
    assert result.images >= 6
    reasons = " ".join(reason for _, reason in result.rejected)
    assert "images" in reasons  # multi-frame files
    assert "secondary capture" in reasons
    assert "a colour image" in reasons
    by_hash = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in files}
    for row in read_dataset(tmp_path / "out").rows:
        source = by_hash[row.extra["source_hash"]]
        assert open_image(row.file)[0].shape[1:] == open_image(source)[0].shape[1:]
        assert (open_image(row.file)[1].bits == 16) == (open_image(source)[1].bits > 8)
