"""DICOM trees: what is kept, what is not, and why files are left out."""

from __future__ import annotations

import csv
import datetime
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_sources import DX, write_dicom

from synthmed.datasets import DatasetFolder, read_dataset
from synthmed.datasets.importers import import_dataset
from synthmed.datasets.importers.engine import ImportResult
from synthmed.datasets.importers.items import DAY
from synthmed.errors import SynthmedError
from synthmed.imaging import open_image


def run(source: Path, **options: Any) -> tuple[ImportResult, DatasetFolder]:
    out = source.parent / "out"
    salt = source.parent / "salt"
    result = import_dataset(source, out, format="dicom", name="site", jobs=1, salt=salt, **options)
    return result, read_dataset(out)


def reasons(folder: DatasetFolder) -> dict[str, str]:
    with (folder.path / "rejected.csv").open(newline="") as file:
        return {row["file"]: row["reason"] for row in csv.DictReader(file)}


def test_patients_studies_series_and_days(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    write_dicom(source / "a/1.dcm", 1)
    write_dicom(source / "a/2.dcm", 2, SeriesInstanceUID="1.2.3.201")
    later = {"StudyInstanceUID": "1.2.3.101", "StudyDate": "20190319"}
    write_dicom(source / "b/1", 3, **later)
    write_dicom(source / "c/1.dcm", 4, IssuerOfPatientID="ELSEWHERE")
    write_dicom(source / "c/2.dcm", 5, PatientID="other", StudyDate="")
    (source / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (source / "notes.txt").write_text("no DICOM")
    result, folder = run(source)
    assert (result.images, result.groups, result.rejected) == (5, 3, 0)
    first, second, third, fourth, fifth = sorted(folder.rows, key=lambda r: r.file_name)
    assert first.group_id == second.group_id == third.group_id
    assert len({first.group_id, fourth.group_id, fifth.group_id}) == 3
    assert first.study_id == second.study_id != third.study_id
    assert first.extra["series_id"] != second.extra["series_id"]
    assert [row.day_offset for row in (first, third, fourth, fifth)] == [0, 15, 0, None]
    assert len({row.split for row in (first, second, third)}) == 1


def test_hounsfield_units_come_back_exactly(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    values = write_dicom(source / "1.dcm", 1)
    _, folder = run(source)
    row = folder.rows[0]
    x, spec = open_image(row.file)
    assert spec.bits == 16
    hounsfield = x * row.extra["value_scale"] + row.extra["value_offset"]
    np.testing.assert_array_equal(np.rint(hounsfield[0]), values.astype(int) - 1024)
    assert row.extra["unit"] == "HU"
    assert (row.extra["spacing_row"], row.extra["spacing_column"]) == (0.5, 0.75)
    assert folder.spec.channels == 1


DATE = datetime.date(2019, 3, 4).toordinal()
PLANTED: dict[str, Any] = {
    "PatientName": "Quastenflosser^Ottilie",
    "PatientID": "MRN-778899",
    "PatientBirthDate": "19510607",
    "StudyDate": "20190304",
    "AccessionNumber": "ACC5550123",
    "InstitutionName": "Klinik Hinterwald",
    "ReferringPhysicianName": "Zwackelmann^Petro",
    "PatientAddress": "Holzweg 17",
    "StationName": "KELLER7",
    "DeviceSerialNumber": "SN998877",
    "StudyInstanceUID": "1.2.3.100",
    "SeriesInstanceUID": "1.2.3.200",
    "SOPInstanceUID": "1.2.826.0.1.999",
    "StudyDescription": "CT Quastenflosser Klinik Hinterwald 20190304 (Blaubart, Wurzel)",
    "ImageComments": "call Dr. Zwackelmann 0171 555 1234",
    "PatientComments": "likes cats",
    "OperatorsName": "Schnickschnack",
    "OtherPatientNames": "Blaubart^Wendelin",
    "NameOfPhysiciansReadingStudy": ["Tuersteher^Alma", "Wurzel^Ida"],
}


@pytest.mark.parametrize("keep", [False, True])
def test_no_identifier_is_left_anywhere_in_the_folder(tmp_path: Path, keep: bool) -> None:
    source = tmp_path / "tree"
    write_dicom(source / "ottilie.dcm", 1, private="PrivateQuasten", Manufacturer="ACME", **PLANTED)
    write_dicom(
        source / "2.dcm", 2, BurnedInAnnotation="YES", **{**PLANTED, "StudyDate": "20190310"}
    )
    result, folder = run(source, keep_description=keep)
    assert result.images == 1
    secrets = [
        *(value for value in PLANTED.values() if isinstance(value, str)),
        "Quasten",
        "Ottilie",
        "Zwackel",
        "Hinterwald",
        "likes cats",
        "Blaubart",
        "Wurzel",
    ]
    secrets += [str(DATE), "2019-03-04"]  # the date as an ordinal, and as a text
    if keep:  # what the texts are made of is removed, the rest stays
        assert folder.rows[0].extra["description"].startswith("CT [removed] [removed]")
        assert "telephone" in folder.rows[0].extra["identifiers_found"]
        secrets = [s for s in secrets if s not in (PLANTED["StudyDescription"],)]
    else:
        assert "description" not in folder.rows[0].extra
    for path in (p for p in folder.path.rglob("*") if p.is_file()):
        content = path.read_bytes().decode("latin-1").casefold()
        for secret in secrets:
            assert secret.casefold() not in content, (path.name, secret)
            assert secret.casefold() not in path.name.casefold() or path.name == "rejected.csv"
    assert folder.rows[0].extra["manufacturer"] == "ACME"
    assert "2.dcm" in reasons(folder)


def test_stored_days_are_no_dates_while_the_run_goes_on(tmp_path: Path) -> None:
    """The journal of an unfinished import holds no date either."""
    from synthmed.datasets.importers.dicom import DicomImporter
    from synthmed.datasets.importers.pseudonyms import Pseudonyms
    from synthmed.datasets.importers.worker import Worker

    source = tmp_path / "tree"
    write_dicom(source / "1.dcm", 1)
    importer = DicomImporter(source)
    hide = Pseudonyms(b"k" * 32, "site")
    done = Worker(importer, tmp_path / "out", hide, (1, 0, 0), 0)(next(importer.items()))
    assert done.rows[0][DAY] != DATE
    assert done.rows[0][DAY] == hide.shifted_day(done.rows[0]["group_id"], DATE)


@pytest.mark.parametrize(
    ("tags", "age"),
    [
        ({"PatientAge": "090Y"}, 90.0),
        ({"PatientAge": "104Y"}, 90.0),
        ({"PatientAge": "006M"}, 0.5),
        ({"PatientAge": "999Y"}, None),
        ({"PatientAge": "old"}, 67.0),  # from the birth date
        ({"PatientBirthDate": ""}, None),
        ({"PatientBirthDate": "19190304"}, 90.0),
        ({"PatientBirthDate": "20200101"}, None),
    ],
)
def test_ages(tmp_path: Path, tags: dict[str, str], age: float | None) -> None:
    write_dicom(tmp_path / "tree/1.dcm", 1, **tags)
    _, folder = run(tmp_path / "tree")
    assert folder.rows[0].age == age


def test_words_of_the_header(tmp_path: Path) -> None:
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue = "399368009"
    x_ray = {"SOPClassUID": DX, "Modality": "DX", "BodyPartExamined": "CHEST", "PatientSex": "F"}
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({**x_ray, "ViewPosition": "PA"}, {"view": "PA", "image_type": "chest X-ray", "sex": "F"}),
        (
            {**x_ray, "PatientOrientation": ["A", "F"], "PatientSex": "O"},
            {"view": "lateral", "sex": None},
        ),
        ({**x_ray, "PatientOrientation": ["L", "F"]}, {"view": "frontal"}),
        (
            {"Modality": "MG", "ViewCodeSequence": [code], "ImageLaterality": "L"},
            {"view": "MLO", "image_type": "mammography", "body_part": "breast"},
        ),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, {"view": "coronal", "modality": "CT"}),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.95, -0.32]}, {"view": "axial"}),
    ]
    for number, (tags, _) in enumerate(cases):
        write_dicom(tmp_path / f"tree/{number}.dcm", number, **tags)
    _, folder = run(tmp_path / "tree")
    rows = sorted(folder.rows, key=lambda row: row.file_name)
    for row, (_, expected) in zip(rows, cases, strict=True):
        assert {name: getattr(row, name) for name in expected} == expected
    assert rows[3].extra["laterality"] == "left"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"}, "secondary capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67"}, "structured report"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.59"}, "key object"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.11.1"}, "presentation state"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "encapsulated PDF"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, "segmentation"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.3"}, "radiotherapy"),
        ({"SOPClassUID": "1.2.840.10008.1.3.10"}, "DICOMDIR"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"BurnedInAnnotation": "YES"}, "Burned In Annotation"),
    ],
)
def test_what_is_left_out_and_why(tmp_path: Path, tags: dict[str, Any], reason: str) -> None:
    write_dicom(tmp_path / "tree/good.dcm", 1)
    write_dicom(tmp_path / "tree/other.dcm", 2, **tags)
    result, folder = run(tmp_path / "tree")
    assert (result.images, result.rejected) == (1, 1)
    assert reason in reasons(folder)["other.dcm"]


def test_allowed_captures_and_burned_in_text_are_taken(tmp_path: Path) -> None:
    write_dicom(tmp_path / "tree/1.dcm", 1, SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    write_dicom(tmp_path / "tree/2.dcm", 2, BurnedInAnnotation="YES")
    result, _ = run(tmp_path / "tree", allow_captures=True, allow_burned_in=True)
    assert (result.images, result.rejected) == (2, 0)


@pytest.mark.parametrize(("frames", "chosen"), [("all", 7), ("first", 1), ("middle", 1), ("3", 3)])
def test_frames(tmp_path: Path, frames: str, chosen: int) -> None:
    values = write_dicom(tmp_path / "tree/1.dcm", 1, frames=7)
    result, folder = run(tmp_path / "tree", frames=frames)
    assert result.images == chosen
    expected = {"first": [0], "middle": [3], "3": [1, 3, 5]}.get(frames, list(range(7)))
    rows = sorted(folder.rows, key=lambda row: row.file_name)
    assert [row.extra["frame"] for row in rows] == expected
    for row, frame in zip(rows, expected, strict=True):
        x, _ = open_image(row.file)
        stored = x[0] * row.extra["value_scale"] + row.extra["value_offset"] + 1024
        np.testing.assert_array_equal(np.rint(stored), values[frame])


def test_the_same_instance_twice_is_taken_once(tmp_path: Path) -> None:
    write_dicom(tmp_path / "tree/a/1.dcm", 1)
    write_dicom(tmp_path / "tree/b/1.dcm", 1)
    result, folder = run(tmp_path / "tree")
    assert (result.images, result.rejected) == (1, 1)
    assert "imported before" in reasons(folder)["b/1.dcm"]
    assert len(list(folder.path.rglob("*.png"))) == 1


def test_what_the_header_says_of_the_pixels_is_kept(tmp_path: Path) -> None:
    flags = {"SyntheticData": "YES", "RecognizableVisualFeatures": "YES"}
    write_dicom(tmp_path / "tree/1.dcm", 1, **flags)
    _, folder = run(tmp_path / "tree")
    assert folder.rows[0].extra["synthetic"] is True
    assert folder.rows[0].extra["recognizable"] == "yes"


def test_damaged_files_and_odd_links_stop_nothing(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    write_dicom(source / "good.dcm", 1)
    data = (source / "good.dcm").read_bytes()
    (source / "cut.dcm").write_bytes(data[: len(data) // 2])
    (source / "empty.dcm").touch()
    (source / "text.dcm").write_text("this is no DICOM file at all")
    (source / "noise").write_bytes(bytes(range(256)) * 8)
    (source / "loop").symlink_to(source, target_is_directory=True)
    (source / "self.dcm").symlink_to("self.dcm")
    (source / "outside.dcm").symlink_to("/etc/hostname")
    os.mkfifo(source / "pipe.dcm")
    result, folder = run(source)
    assert result.images == 1
    assert set(reasons(folder)) == {"cut.dcm", "empty.dcm", "text.dcm", "noise"}
    assert all(reasons(folder).values())


def test_unknown_settings_are_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "tree/1.dcm", 1)
    with pytest.raises(SynthmedError, match="no setting 'axis'"):
        run(tmp_path / "tree", axis="axial")
    with pytest.raises(SynthmedError, match="no importer"):
        import_dataset(tmp_path / "tree", tmp_path / "out", format="pacs")
