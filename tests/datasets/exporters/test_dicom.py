"""DICOM: read back by pydicom, dcmdump, dciodvfy and dcm2pnm; what it says and does not say."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from synthmed.datasets import read_dataset
from synthmed.datasets.exporters import export
from synthmed.datasets.exporters.dicom.pixels import decimal
from synthmed.datasets.exporters.dicom.uids import uid
from synthmed.datasets.exporters.pixels import read_levels
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SynthmedError
from synthmed.imaging.spec import spec_8bit

from .conftest import hounsfield, write_volume

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
# dciodvfy 1.00 of 2022 does not know Synthetic Data (0008,001C), which came with DICOM 2023b.
UNKNOWN_TO_TOOL = "not a recognized standard attribute - (0x0008,0x001c)"


def rows_of(out: Path) -> list[dict[str, str]]:
    with open(out / "metadata.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read(out: Path, **where: str) -> list[Dataset]:
    """The files whose line in metadata.csv says so."""
    found = [r for r in rows_of(out) if all(r[k] == v for k, v in where.items())]
    assert found
    return [pydicom.dcmread(out / row["file_name"]) for row in found]


def errors(tool: Callable[..., str], file: Path) -> list[str]:
    """What dciodvfy calls an error."""
    lines = tool("dciodvfy", file).splitlines()
    return [line for line in lines if "Error" in line and UNKNOWN_TO_TOOL not in line]


@pytest.fixture(scope="module")
def captured(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sc") / "out"
    export(mixed, "dicom", out)
    return out


@pytest.mark.parametrize("sop", ["sc", "cr", "dx", "ct", "mr"])
def test_every_object_passes_dciodvfy_and_dcmdump(
    mixed: Path, tmp_path: Path, tool: Callable[..., str], sop: str
) -> None:
    result = export(mixed, "dicom", tmp_path / "out", sop=sop, spacing=(0.2, 0.2))
    files = sorted((tmp_path / "out").rglob("*.dcm"))
    assert len(files) == result.images == (12 if sop == "sc" else 6)  # colour: captures only
    assert (sop != "sc") == any("holds no acquisition" in text for text in result.warnings)
    for file in files:
        assert errors(tool, file) == []
        assert "error" not in tool("dcmdump", file).lower().replace("error-free", "")


def test_dciodvfy_flags_a_broken_file(
    captured: Path, tmp_path: Path, tool: Callable[..., str]
) -> None:
    ds = pydicom.dcmread(next(captured.rglob("*.dcm")))
    del ds.ConversionType
    ds.save_as(tmp_path / "broken.dcm")
    assert errors(tool, tmp_path / "broken.dcm")


@pytest.mark.parametrize("compress", [None, "rle", "jpeg2000"])
def test_pixels_survive(mixed: Path, tmp_path: Path, compress: str | None) -> None:
    result = export(mixed, "dicom", tmp_path / "out", compress=compress)
    refused = {Path(name).name for name, _ in result.rejected}
    deep = {f"{kind}_3_16.png" for kind in ("generated", "edited", "real")}
    assert refused == (deep if compress == "rle" else set())  # GDCM misreads these
    by_name = {}
    for row in rows_of(tmp_path / "out"):
        ds = pydicom.dcmread(tmp_path / "out" / row["file_name"])
        by_name[row["sop_instance_uid"]] = ds
        assert ds.SOPInstanceUID == row["sop_instance_uid"]
    table = rows_of(tmp_path / "out")
    sources = [r for r in read_dataset(mixed).rows if Path(r.file_name).name not in refused]
    for source, row in zip(sources, table, strict=True):
        levels, bits = read_levels(source.file)
        ds = by_name[row["sop_instance_uid"]]
        found = ds.pixel_array
        assert ds.BitsStored == bits
        assert np.array_equal(
            found if found.ndim == 2 else found.transpose(2, 0, 1),
            levels[0] if len(levels) == 1 else levels,
        )


def test_dcm2pnm_draws_the_same_8_bit_pixels(
    mixed: Path, captured: Path, tmp_path: Path, tool: Callable[..., str]
) -> None:
    checked = 0
    for source, row in zip(read_dataset(mixed).rows, rows_of(captured), strict=True):
        levels, bits = read_levels(source.file)
        if bits == 8:
            tool("dcm2pnm", captured / row["file_name"], tmp_path / "x.pnm")
            with Image.open(tmp_path / "x.pnm") as image:
                drawn = np.asarray(image)
            expected = levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0)
            assert np.array_equal(drawn, expected)
            checked += 1
    assert checked == 6


def test_synthetic_data_and_contributing_equipment(captured: Path) -> None:
    assert codes.cid7005.SynthesizingEquipment.value == "109100"
    for kind, purposes in (
        ("generated", ["Synthesizing Equipment"]),
        ("edited", ["Synthesizing Equipment", "Modifying Equipment"]),
    ):
        for ds in read(captured, provenance=kind):
            assert ds.SyntheticData == "YES"
            items = ds.ContributingEquipmentSequence
            assert [i.PurposeOfReferenceCodeSequence[0].CodeMeaning for i in items] == purposes
            assert items[0].PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
            assert items[0].ManufacturerModelName == "tiny"
            assert "generator_hash=" + "ab" * 32 in items[0].ContributionDescription
            assert "prompt_sha256=" in items[0].ContributionDescription
            assert ds.ConversionType == "SYN"
            assert str(ds.PatientName).startswith("SYN-")
            assert ds.PatientID.startswith("SYN-")
    for ds in read(captured, provenance="real"):
        assert "SyntheticData" not in ds
        assert "ContributingEquipmentSequence" not in ds
        assert not str(ds.PatientName).startswith("SYN-")
        assert ds.Manufacturer == "ACME"


def test_the_prompt_stands_in_the_file_only_on_request(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "dicom", tmp_path / "hash")
    export(mixed, "dicom", tmp_path / "text", embed_prompt=True)
    assert all(
        "PA view" not in d.ImageComments for d in read(tmp_path / "hash", provenance="generated")
    )
    assert all(
        "PA view" in d.ImageComments for d in read(tmp_path / "text", provenance="generated")
    )
    assert "PA view" in rows_of(tmp_path / "hash")[0]["prompt"]  # the table holds it either way


def test_16_bits_name_the_codecs_psnr(captured: Path) -> None:
    for kind in ("generated", "edited"):
        for ds in read(captured, provenance=kind):
            text = ds.DerivationDescription
            assert ("codec PSNR: 34.1 dB" in text) == (ds.BitsStored == 16)
    for ds in read(captured, provenance="real"):
        assert "DerivationDescription" not in ds


def test_sources_are_named_by_de_identified_uids(mixed: Path, tmp_path: Path) -> None:
    plain = export(mixed, "dicom", tmp_path / "plain")
    linked = export(mixed, "dicom", tmp_path / "linked", link_source=True)
    assert any("not anonymous" in text for text in plain.warnings)
    assert not any("no original UID" in text for text in linked.warnings)
    numbers = {str(number) for number in range(4, 8)}
    for out, original in ((tmp_path / "plain", False), (tmp_path / "linked", True)):
        found = set()
        for ds in read(out, provenance="edited"):
            item = ds.SourceImageSequence[0]
            assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
            found.add(item.ReferencedSOPInstanceUID)
        assert (
            found == {f"1.2.3.{n}" for n in numbers}
            if original
            else all(one.startswith("2.25.") for one in found)
        )
        assert all("SourceImageSequence" not in ds for ds in read(out, provenance="generated"))
    text = b"".join(f.read_bytes() for f in sorted((tmp_path / "plain").rglob("*.dcm")))
    assert b"1.2.3.4" not in text  # the original UID is in no file


def test_no_date_or_time_is_invented(captured: Path, volume: Path, tmp_path: Path) -> None:
    export(volume, "dicom", tmp_path / "ct", sop="ct")
    for file in [*captured.rglob("*.dcm"), *(tmp_path / "ct").rglob("*.dcm")]:
        for element in pydicom.dcmread(file).iterall():
            if element.VR in {"DA", "TM", "DT"}:
                assert element.value == "", element


def test_one_patient_a_group_one_study_series_by_type(captured: Path) -> None:
    groups: dict[str, set[str]] = {}
    for row in rows_of(captured):
        ds = pydicom.dcmread(captured / row["file_name"])
        groups.setdefault(row["group_id"], set()).add(f"{ds.PatientID} {ds.StudyInstanceUID}")
    assert all(len(found) == 1 for found in groups.values())
    assert len({one for found in groups.values() for one in found}) == len(groups)


def test_uids_follow_the_content_and_nothing_else(mixed: Path, tmp_path: Path) -> None:
    export(mixed, "dicom", tmp_path / "a")
    export(mixed, "dicom", tmp_path / "b")
    one = {p.relative_to(tmp_path / "a"): p.read_bytes() for p in (tmp_path / "a").rglob("*.dcm")}
    two = {p.relative_to(tmp_path / "b"): p.read_bytes() for p in (tmp_path / "b").rglob("*.dcm")}
    assert one == two
    assert uid("a", "b") == uid("a", "b") != uid("ab")
    value = int(uid("x").removeprefix("2.25."))
    assert (value >> 76) & 0xF == 8  # version 8
    assert (value >> 62) & 0x3 == 2  # variant
    assert len({r["sop_instance_uid"] for r in rows_of(tmp_path / "a")}) == 12


@pytest.mark.parametrize("sop", ["sc", "ct"])
def test_hounsfield_units_come_back(volume: Path, tmp_path: Path, sop: str) -> None:
    export(volume, "dicom", tmp_path / "out", sop=sop)
    for ds in read(tmp_path / "out"):
        value = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        assert ds.RescaleType == "HU"
        assert abs(value - hounsfield(ds.InstanceNumber - 1)[0]).max() <= 4095 / 65535 / 2 + 1e-6
        low = float(ds.WindowCenter) - 0.5 - (float(ds.WindowWidth) - 1) / 2
        assert (low, low + float(ds.WindowWidth) - 1) == (-160.0, 240.0)
        assert [float(part) for part in ds.PixelSpacing] == [0.8, 0.7]
    if sop == "ct":
        heights = sorted(float(ds.ImagePositionPatient[2]) for ds in read(tmp_path / "out"))
        assert heights == [2.5, 5.0, 7.5, 10.0]


def test_without_a_spacing_none_is_written_and_ct_is_refused(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="needs a pixel spacing"):
        export(mixed, "dicom", tmp_path / "ct", sop="ct")
    export(mixed, "dicom", tmp_path / "sc")
    for ds in read(tmp_path / "sc"):
        assert "PixelSpacing" not in ds


def test_hostile_words_do_not_break_the_header(tmp_path: Path, tool: Callable[..., str]) -> None:
    bad: dict[str, Any] = {"synthetic": True, "generator": "a\\b\n" * 99, "prompt": "\\^=\x00ü"}
    folder = write_volume(tmp_path / "d", slices=1, **bad)
    export(folder, "dicom", tmp_path / "out", embed_prompt=True)
    file = next((tmp_path / "out").rglob("*.dcm"))
    assert errors(tool, file) == []
    assert "ü" in str(pydicom.dcmread(file).ImageComments)


def test_decimal_strings_fit() -> None:
    for value in (2047.5 / 32767.5, -1024.0, 1 / 3, 1e-12, -123456789.123456789, 0.1):
        text = decimal(value)
        assert len(text) <= 16
        assert float(text) == pytest.approx(value, rel=1e-8)


def test_jpeg_sources_are_called_lossy(tmp_path: Path, tool: Callable[..., str]) -> None:
    writer = DatasetWriter(tmp_path / "d", spec_8bit(1, "JPEG"))
    row = Row(Path("a.jpg"), "a.jpg", "train", "s:1", view="PA", body_part="chest")
    writer.add(row, np.zeros((1, 40, 40)))
    writer.finish()
    for sop in ("sc", "dx"):
        export(tmp_path / "d", "dicom", tmp_path / sop, sop=sop, spacing=(1.0, 1.0))
        (ds,) = read(tmp_path / sop)
        assert (ds.LossyImageCompression, ds.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
        assert errors(tool, next((tmp_path / sop).rglob("*.dcm"))) == []


@pytest.mark.parametrize(("side", "expected"), [("", ""), ("left", "L"), ("R", "R")])
def test_paired_parts_have_a_side_or_say_that_it_is_unknown(
    tmp_path: Path, tool: Callable[..., str], side: str, expected: str
) -> None:
    writer = DatasetWriter(tmp_path / "d", spec_8bit(1, "PNG"))
    row = Row(Path("a.png"), "a.png", "train", "s:1", view="AP", body_part="hand")
    row.extra = {"side": side} if side else {}
    writer.add(row, np.zeros((1, 40, 40)))
    writer.finish()
    export(tmp_path / "d", "dicom", tmp_path / "sc")
    assert read(tmp_path / "sc")[0].Laterality == expected
    assert errors(tool, next((tmp_path / "sc").rglob("*.dcm"))) == []
    if expected:
        export(tmp_path / "d", "dicom", tmp_path / "dx", sop="dx", spacing=(1.0, 1.0))
        assert read(tmp_path / "dx")[0].ImageLaterality == expected
        assert errors(tool, next((tmp_path / "dx").rglob("*.dcm"))) == []
    else:
        with pytest.raises(SynthmedError, match="needs its side"):
            export(tmp_path / "d", "dicom", tmp_path / "dx", sop="dx", spacing=(1.0, 1.0))


def test_real_sets_make_files_without_errors(
    shared_data: Path, tmp_path: Path, tool: Callable[..., str]
) -> None:
    export(shared_data / "mini-mias-mammography", "dicom", tmp_path / "out")
    files = sorted((tmp_path / "out").rglob("*.dcm"))
    assert len(files) == 114
    for file in files[::20]:
        assert errors(tool, file) == []
        assert "SyntheticData" not in pydicom.dcmread(file)
