"""What `import_speed` runs in processes of their own: make files, import them in several ways.

python -m benchmarks.import_parts make FOLDER COUNT SIZE
python -m benchmarks.import_parts plain|two|one|holding FOLDER OUT
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

PATIENT = 10  # files of one patient


def make(folder: Path, count: int, size: int) -> None:
    """Write CT files (12 bits, uncompressed): smooth tissue with the noise of a scanner."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]  # type: ignore[misc]
    for number in range(count):
        rng = np.random.default_rng(number)
        wave = np.sin(9 * x + number) * np.cos(7 * y) * 60
        body = np.where(x**2 + (1.3 * y) ** 2 < 0.8, 1064 + wave, 24)
        data = Dataset()
        data.SOPClassUID, data.Modality = CTImageStorage, "CT"
        data.SOPInstanceUID = f"1.2.3.4.{number + 1}"
        data.PatientID, data.PatientName = f"P{number // PATIENT}", f"Name{number // PATIENT}"
        data.StudyInstanceUID = f"1.2.3.5.{number // PATIENT + 1}"
        data.SeriesInstanceUID = f"1.2.3.6.{number // PATIENT + 1}"
        data.StudyDate, data.PatientAge, data.PatientSex = "20190304", "061Y", "F"
        data.Rows = data.Columns = size
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
        data.PixelRepresentation, data.RescaleSlope, data.RescaleIntercept = 0, "1", "-1024"
        values = np.clip(body + rng.normal(0, 12, body.shape), 0, 4095)
        data.PixelData = values.astype(np.uint16).tobytes()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{number // PATIENT:05d}" / f"{number:06d}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        data.save_as(path, enforce_file_format=True)


def plain(folder: Path, out: Path) -> None:
    """The usual loop: pydicom reads, Pillow writes 16-bit PNG, csv the table; one process."""
    import pydicom
    from PIL import Image

    (out / "images").mkdir(parents=True)
    with (out / "metadata.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["file_name", "patient_id", "age", "sex", "modality"])
        for number, path in enumerate(sorted(folder.rglob("*.dcm"))):
            data = pydicom.dcmread(path)
            values = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
            levels = np.rint(np.clip((values + 1024) / 4095, 0, 1) * 65535).astype(np.uint16)
            Image.fromarray(levels).save(out / f"images/{number:07d}.png")
            age = int(data.PatientAge[:3])
            row = [f"images/{number:07d}.png", data.PatientID, age, data.PatientSex, data.Modality]
            table.writerow(row)


def imported(folder: Path, out: Path, jobs: int) -> None:
    """`synthmed import` of the same files."""
    from synthmed.datasets.importers import import_dataset

    import_dataset(folder, out, format="dicom", jobs=jobs)


def holding(folder: Path, out: Path) -> None:
    """The control: an import that keeps every image that it has made."""
    from synthmed.datasets.importers import working
    from synthmed.imaging import open_image

    run_ordered: Callable[..., Iterator[Any]] = working.run_ordered
    held: list[Any] = []

    def keeping(*arguments: Any) -> Iterator[Any]:
        for item, done in run_ordered(*arguments):
            held.extend(open_image(out / r["split"] / r["file_name"])[0] for r in done.rows)
            yield item, done

    working.run_ordered = keeping
    imported(folder, out, 2)


def main(words: list[str]) -> None:
    """Run a part."""
    part, folder = words[0], Path(words[1])
    if part == "make":
        make(folder, int(words[2]), int(words[3]))
    elif part in {"plain", "holding"}:
        {"plain": plain, "holding": holding}[part](folder, Path(words[2]))
    else:
        imported(folder, Path(words[2]), {"one": 1, "two": 2}[part])


if __name__ == "__main__":
    main(sys.argv[1:])
