"""Identifiers in the headers of PNG, JPEG and DICOM files."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest
from made import picture, write
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from synthmed.datasets.validation import validate

pydicom = pytest.importorskip("pydicom")


def messages(folder: Path) -> list[str]:
    return [f"{f.severity}: {f.message}" for f in validate(folder).findings]


def exif_of(**tags: Any) -> Image.Exif:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[int(tag[1:], 16)] = value
    return exif


def test_png_texts(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    info = PngInfo()
    info.add_text("Author", "someone")
    info.add_text("Description", "chest of Mrs Okafor")
    info.add_itxt("Software", "viewer 2.1 20210314")
    picture(0).save(folder / "train" / "train0.png", pnginfo=info)
    assert messages(folder) == [
        "error: the text 'Author' names a person",
        "error: the text 'Description' holds a name with a title",
    ]


def test_exif_gps_and_persons(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    exif = exif_of(x013B="someone", x0132="2021:03:14 10:00:00", x010E="by Dr. Keller")
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 0.0)})
    picture(0).save(folder / "train" / "train0.png", exif=exif)
    assert messages(folder) == [
        "error: EXIF holds a GPS position",
        "error: EXIF holds Artist",
        "error: EXIF ImageDescription holds a name with a title",
        "warning: EXIF holds DateTime",
    ]


def test_harmless_headers(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    info = PngInfo()
    info.add_text("seed", "12345678901")
    info.add_text("prompt_hash", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72")
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta><Iptc4xmpExt:DigitalSourceType/></x:xmpmeta>")
    picture(0).save(folder / "train" / "train0.png", pnginfo=info, exif=exif_of(x0112=1))
    assert messages(folder) == []


def test_xmp(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    info = PngInfo()
    packet = (
        "<dc:creator><rdf:Seq><rdf:li>someone</rdf:li></rdf:Seq></dc:creator><exif:GPSLatitude>"
    )
    info.add_itxt("XML:com.adobe.xmp", packet)
    picture(0).save(folder / "train" / "train0.png", pnginfo=info)
    assert messages(folder) == ["error: XMP holds a GPS position", "error: XMP names a person"]


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def append(file: Path, *chunks: bytes) -> None:
    """Put chunks between the image data and the end of a PNG."""
    data = file.read_bytes()
    end = data.rindex(b"IEND") - 4
    file.write_bytes(data[:end] + b"".join(chunks) + data[end:])


def test_texts_behind_the_image_data_packed_or_not(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    file = folder / "train" / "train0.png"
    packed = zlib.compress(b"seen by Mrs Okafor")
    append(
        file,
        chunk(b"tEXt", b"Artist\0someone"),
        chunk(b"zTXt", b"Comment\0\0" + packed),
        chunk(b"iTXt", b"Title\0\1\0en\0Title\0" + packed),
        chunk(b"eXIf", exif_of(x013B="someone").tobytes().removeprefix(b"Exif\0\0")),
    )
    assert messages(folder) == [
        "error: EXIF holds Artist",
        "error: the text 'Artist' names a person",
        "error: the text 'Comment' holds a name with a title",
        "error: the text 'Title' holds a name with a title",
    ]


def test_hostile_png_chunks(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    bomb = zlib.compress(b"\0" * 50_000_000)
    append(folder / "train" / "train0.png", chunk(b"zTXt", b"a\0\0" + bomb), chunk(b"iTXt", b""))
    packet = b"XML:com.adobe.xmp\0\0\0\0\0"
    append(folder / "train" / "train1.png", chunk(b"iTXt", packet + b"dc:creator" * 18_000))
    append(folder / "train" / "train2.png", chunk(b"iTXt", packet + b"<" * 190_000))
    append(folder / "train" / "train3.png", chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"))
    append(folder / "train" / "train4.png", b"\xff\xff\xff\xfftEXt", b"cut off")
    assert {f.kind for f in validate(folder).findings} <= {"unreadable", "header"}


def dicom(file: Path, **attributes: Any) -> Any:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    header = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    header.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    header.SOPClassUID = meta.MediaStorageSOPClassUID
    for name, value in attributes.items():
        setattr(header, name, value)
    return header


def save(header: Any, file: Path) -> None:
    header.save_as(file, enforce_file_format=True)


def test_a_dicom_with_private_tags_and_identifying_attributes(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    file = folder / "train" / "extra.bin"  # found by its content, not by its name
    header = dicom(file, PatientName="Rossi^Maria", PatientID="77", BurnedInAnnotation="YES")
    header.private_block(0x0029, "MAKER", create=True).add_new(0x10, "LO", "ward 7")
    save(header, file)
    assert messages(folder) == [
        "error: DICOM attributes: PatientName, PatientID",
        "error: 1 private DICOM elements (group 0029)",
        "error: the file says that text is burned into its pixels",
    ]


def test_a_nested_attribute_is_found(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    inner = pydicom.Dataset()
    inner.OperatorsName = "Becker^Tom"
    header = dicom(folder / "x.dcm")
    header.ReferencedStudySequence = pydicom.Sequence([inner])
    save(header, folder / "x.dcm")
    assert messages(folder) == ["error: DICOM attributes: OperatorsName"]


def test_a_de_identified_dicom_is_fine(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    removed = {"PatientIdentityRemoved": "YES", "PatientID": "a81c", "PatientName": "Anonymous"}
    save(dicom(folder / "x.dcm", **removed), folder / "x.dcm")
    assert messages(folder) == []


def test_damaged_and_deflated_dicoms_are_named_only(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    (folder / "bad.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 300)
    header = dicom(folder / "deflated.dcm")
    header.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    header.PatientComments = "x" * 5_000
    save(header, folder / "deflated.dcm")
    assert [f.kind for f in validate(folder).findings] == ["unreadable", "unreadable"]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    outside = tmp_path / "outside"
    outside.mkdir()
    save(dicom(outside / "x.dcm", PatientName="Rossi^Maria"), outside / "x.dcm")
    (folder / "link").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "x.dcm").symlink_to(outside / "x.dcm")
    assert messages(folder) == []
