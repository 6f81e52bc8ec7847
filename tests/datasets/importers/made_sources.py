"""Sources for the tests: DICOM trees, volumes, reports, all made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.importers.items import Item, Picture, RejectedError
from synthmed.imaging.spec import spec_8bit

CT = "1.2.840.10008.5.1.4.1.1.2"
DX = "1.2.840.10008.5.1.4.1.1.1.1"


def pixels(seed: int, shape: tuple[int, ...] = (12, 10), top: int = 4096) -> npt.NDArray[Any]:
    """Stored values that no other seed has."""
    return np.random.default_rng(seed).integers(0, top, shape).astype(np.uint16)


def write_dicom(path: Path, seed: int = 0, *, frames: int = 1, **tags: Any) -> npt.NDArray[Any]:
    """Write a small CT file (or what the tags say) and give its stored values."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    data = Dataset()
    shape = (frames, 12, 10) if frames > 1 else (12, 10)
    values = pixels(seed, shape)
    private = tags.pop("private", None)
    data.update(_header())
    data.SOPInstanceUID = f"1.2.3.4.{seed + 1}"
    for name, value in tags.items():
        setattr(data, name, value)
    data.Rows, data.Columns, data.SamplesPerPixel = 12, 10, 1
    data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    if frames > 1:
        data.NumberOfFrames = frames
    if private:
        data.private_block(0x0011, "MAKER", create=True).add_new(1, "LO", private)
    data.PixelData = values.tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return values


def _header() -> Any:
    from pydicom.dataset import Dataset

    data = Dataset()
    data.SOPClassUID, data.Modality = CT, "CT"
    data.PatientID, data.PatientName = "MRN-778899", "Quastenflosser^Ottilie"
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.3.100", "1.2.3.200"
    data.StudyDate, data.PatientBirthDate = "20190304", "19510607"
    data.RescaleSlope, data.RescaleIntercept = "1", "-1024"
    data.PixelSpacing = [0.5, 0.75]
    return data


def write_volume(
    path: Path,
    values: npt.NDArray[Any],
    affine: npt.NDArray[Any] | None = None,
) -> None:
    """Write a NIfTI volume."""
    import nibabel

    path.parent.mkdir(parents=True, exist_ok=True)
    grid = np.diag([2.0, 3.0, 4.0, 1.0]) if affine is None else affine
    nibabel.save(nibabel.Nifti1Image(values, grid), path)


@dataclass(frozen=True)
class MadeImporter:
    """A source in memory: item n is a grey image that only n has.

    Attributes:
        size: Number of items.
        bad: Item number to what reading it does: "reject", "crash", "hang", "raise".
    """

    size: int
    bad: tuple[tuple[int, str], ...] = ()

    def items(self) -> Iterator[Item]:
        yield from (Item(f"file {n}", n) for n in range(self.size))

    def read(self, item: Item) -> Iterator[Picture]:
        import os
        import time

        what = dict(self.bad).get(item.payload, "")
        if what == "reject":
            raise RejectedError("not wanted")
        if what == "raise":
            raise RecursionError("deep")
        if what == "crash":
            os._exit(3)
        if what == "hang":
            time.sleep(600)
        rng = np.random.default_rng(item.payload)
        x = rng.integers(0, 256, (1, 6, 5)) / np.float32(127.5) - np.float32(1)
        cells = {"labels": [f"l{item.payload % 3}"]}
        yield Picture(x, spec_8bit(1, "MADE"), f"patient {item.payload // 2}", cells)

    def describe(self) -> dict[str, Any]:
        return {"format": "made"}
