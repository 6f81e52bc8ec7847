"""Plant faults into a copy of real rows: leaks, duplicates, identifiers, private data."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from synthmed.datasets.captions import caption
from synthmed.datasets.rows import SPLITS, Row

Cells = dict[str, Any]
NAMES = (
    *("Dr. Keller", "Mrs Okafor", "Prof. J. Lindqvist", "Mr. O'Brien", "Ms Nakamura"),
    *("Patient: Maria Rossi", "Signed by: Tom Becker", "DOE^JOHN", "Herr Dr. Schulz"),
)
NUMBERS = ("MRN 4471203", "accession no. A9912345", "tel. 030 5551 2299", "m.roe@clinic.example")


@dataclass(frozen=True)
class Planted:
    """A fault that was planted.

    Attributes:
        fault: What it is.
        kind: Kind of the finding that has to name it.
        file: The file that the finding has to name.
    """

    fault: str
    kind: str
    file: str


def copy_rows(rows: Sequence[Row], out: Path) -> dict[str, list[Cells]]:
    """Copy images into a dataset folder and give its cells by split; texts are captions."""
    tables: dict[str, list[Cells]] = {split: [] for split in SPLITS}
    for number, row in enumerate(rows):
        name = f"i{number:05d}{row.file.suffix.lower()}"
        (out / row.split).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(row.file, out / row.split / name)
        cells: Cells = {"file_name": name, "group_id": row.group_id, "labels": list(row.labels)}
        cells |= {"image_type": row.image_type, "modality": row.modality, "view": row.view}
        tables[row.split].append(cells | {"text": caption(row, "diverse+patient", number)})
    return tables


def write_tables(tables: dict[str, list[Cells]], out: Path) -> None:
    """Write the tables of a folder."""
    for split, rows in tables.items():
        if rows:
            text = "".join(json.dumps(cells) + "\n" for cells in rows)
            (out / split / "metadata.jsonl").write_text(text, encoding="utf-8")


def _jpeg(image: Image.Image, scale: float, quality: int, curve: Callable[[int], float]) -> bytes:
    size = (max(8, round(image.width * scale)), max(8, round(image.height * scale)))
    changed = image.resize(size, Image.Resampling.BICUBIC)
    changed = changed.point(
        [min(255, max(0, round(curve(v)))) for v in range(256)] * len(changed.getbands())
    )
    buffer = io.BytesIO()
    changed.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "half size, JPEG 75": lambda x: _jpeg(x, 0.5, 75, lambda v: v),
    "0.6 of the size, JPEG 40": lambda x: _jpeg(x, 0.6, 40, lambda v: v),
    "1.5 times the size, JPEG 90": lambda x: _jpeg(x, 1.5, 90, lambda v: v),
    "20 % brighter, half size, JPEG 60": lambda x: _jpeg(x, 0.5, 60, lambda v: 1.2 * v),
    "30 % darker, JPEG 75": lambda x: _jpeg(x, 1.0, 75, lambda v: 0.7 * v),
    "gamma 1.3, half size, JPEG 75": lambda x: _jpeg(x, 0.5, 75, lambda v: 255 * (v / 255) ** 1.3),
}


def plant(tables: dict[str, list[Cells]], out: Path, seed: int) -> list[Planted]:
    """Plant one of each fault and write the tables.

    Args:
        tables: What `copy_rows` gave; changed.
        out: The folder.
        seed: Chooses the images.

    Returns:
        The faults.
    """
    draw = random.Random(seed)
    planted: list[Planted] = []
    train = draw.sample(tables["train"], min(len(tables["train"]), 2 + len(COPIES)))
    other = [(split, cells) for split in ("val", "test") for cells in tables[split]]
    split, cells = draw.choice(other)
    cells["group_id"] = train[0]["group_id"]
    planted.append(Planted("the same patient", "group", f"{split}: {cells['file_name']}"))
    for number, source in enumerate(train[1:]):
        target = f"planted{number}"
        with Image.open(out / "train" / source["file_name"]) as opened:
            image = opened.convert("L" if opened.mode in ("1", "L", "LA") else "RGB")
        split = draw.choice(("val", "test"))
        fault = ["the same pixels, as PNG", *COPIES][number]
        if number == 0:
            name, kind = f"{target}.png", "pixels"
            image.save(_made(out / split / name), compress_level=1)
        else:
            name, kind = f"{target}.jpg", "near-duplicate"
            _made(out / split / name).write_bytes(COPIES[fault](image))
        tables[split].append(source | {"file_name": name, "group_id": f"planted:{number}"})
        planted.append(Planted(fault, kind, f"{split}: {name}"))
    planted += _identifiers(tables, out, draw)
    write_tables(tables, out)
    return planted


def _identifiers(tables: dict[str, list[Cells]], out: Path, draw: random.Random) -> list[Planted]:
    named, numbered, signed = draw.sample(tables["train"], 3)
    planted = []
    for cells, words, fault in (
        (named, draw.choice(NAMES), "a name in a caption"),
        (numbered, draw.choice(NUMBERS), "a number or e-mail in a caption"),
    ):
        cells["text"] = f"{cells['text']}. {words}."
        planted.append(Planted(fault, "identifier", f"train: {cells['file_name']}"))
    info = PngInfo()
    info.add_text("Author", draw.choice(NAMES))
    name = f"{Path(signed['file_name']).stem}-signed.png"
    with Image.open(out / "train" / signed["file_name"]) as image:
        image.convert("RGB").save(out / "train" / name, pnginfo=info)
    (out / "train" / signed["file_name"]).unlink()
    signed["file_name"] = name
    planted.append(Planted("an author in a PNG text", "header", f"train/{name}"))
    _private_dicom(out / "extra.dcm", draw)
    return [*planted, Planted("a private tag in a DICOM file", "header", "extra.dcm")]


def _private_dicom(file: Path, draw: random.Random) -> None:
    """Write a DICOM file without any identifying attribute but one private element."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    header = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    header.SOPClassUID, header.Modality = SecondaryCaptureImageStorage, "OT"
    header.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    group = draw.choice((0x0009, 0x0029, 0x2005))
    header.private_block(group, "PLANTED", create=True).add_new(0x01, "LO", "ward 7")
    header.save_as(file, enforce_file_format=True)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
