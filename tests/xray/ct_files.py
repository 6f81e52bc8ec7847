"""Small CT volumes that the tests make, as NIfTI files and as DICOM series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

SHAPE = (20, 14, 16)
SPACING = (16.0, 14.0, 15.0)  # mm: a body of about 320 x 200 x 240 mm
NAMES = {1: "lung_left", 2: "lung_right", 3: "vertebrae_T6"}
UID = "1.2.826.0.1.3680043.8.498."


def phantom(seed: int = 0) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """A body in air with two lungs of different size and a spine: HU and labels, (X, Y, Z) RAS."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij"))
    x, y, z = grid
    hu = np.full(SHAPE, -1000, np.int16)
    labels = np.zeros(SHAPE, np.uint8)
    hu[(x / 0.9) ** 2 + (y / 0.8) ** 2 < 1] = 40
    left = ((x + 0.45) / 0.25) ** 2 + (y / 0.4) ** 2 + (z / 0.6) ** 2 < 1
    right = ((x - 0.45) / 0.3) ** 2 + (y / 0.4) ** 2 + (z / 0.8) ** 2 < 1
    spine = (np.abs(x) < 0.12) & (np.abs(y + 0.55) < 0.15)
    for number, (inside, value) in enumerate([(left, -800), (right, -800), (spine, 700)], 1):
        hu[inside], labels[inside] = value, number
    hu += np.random.default_rng(seed).integers(-9, 10, SHAPE).astype(np.int16)
    return hu, labels


def affine() -> npt.NDArray[np.float64]:
    """The grid of the phantom: RAS axes, its first voxel somewhere."""
    made = np.diag([*SPACING, 1.0])
    made[:3, 3] = (-150.0, -91.0, 900.0)
    return made


def write_nifti(path: Path, values: npt.NDArray[Any], grid: Any = None, **header: Any) -> Path:
    """Write a volume; `header` sets fields of the NIfTI header."""
    image = nib.Nifti1Image(values, affine() if grid is None else grid)
    for name, value in header.items():
        image.header[name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    if {"sform_code", "qform_code"} & set(header):  # nibabel sets them from the affine when saving
        image = nib.Nifti1Image(values, None, image.header)
    nib.save(image, path)
    return path


def write_ct(folder: Path, seed: int = 0, name: str = "scan") -> Path:
    """Write a phantom, `name`.nii.gz, and its labels beside it, `name`_seg.nii.gz."""
    hu, labels = phantom(seed)
    write_nifti(folder / f"{name}_seg.nii.gz", labels)
    return write_nifti(folder / f"{name}.nii.gz", hu)


def write_series(
    folder: Path, hu: npt.NDArray[np.int16], *, series: str = "1", plane: str = "axial", **tags: Any
) -> list[Path]:
    """Write a volume (RAS) as DICOM slices, HU + 1024 with an intercept of -1024.

    Args:
        folder: Where to.
        hu: (X, Y, Z).
        series: End of the Series Instance UID.
        plane: "axial" or "coronal".
        tags: Elements by keyword; None leaves one out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    axis = {"axial": 2, "coronal": 1}[plane]
    files = []
    for index in range(hu.shape[axis]):
        at = [hu.shape[0] - 1, hu.shape[1] - 1, hu.shape[2] - 1 if axis == 1 else index]
        if axis == 1:
            at[1] = index
        # Columns run to the patient's left; rows run to the back, or to the feet.
        pixels = np.take(hu, index, axis=axis)[::-1, ::-1].T
        position = affine() @ [*at, 1.0]
        down = [0, 1, 0] if axis == 2 else [0, 0, -1]
        rows = SPACING[1] if axis == 2 else SPACING[2]
        ds = _slice(pixels, f"{UID}{series}", index)
        ds.ImagePositionPatient = [-position[0], -position[1], position[2]]
        ds.ImageOrientationPatient = [1, 0, 0, *down]
        ds.PixelSpacing = [rows, SPACING[0]]
        for keyword, value in tags.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)
        files.append(folder / f"{(7 * index) % 97:03d}_{series}.dcm")  # names in another order
        ds.save_as(files[-1], enforce_file_format=True)
    return files


def change(file: Path, **tags: Any) -> None:
    """Set elements of one file."""
    from pydicom import dcmread

    ds = dcmread(file)
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    ds.save_as(file, enforce_file_format=True)


def _slice(pixels: npt.NDArray[np.int16], series: str, index: int) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{series}.{index + 1}"
    ds.SeriesInstanceUID, ds.StudyInstanceUID = series, f"{UID}9"
    ds.Modality, ds.BodyPartExamined = "CT", "CHEST"
    ds.PatientID, ds.PatientName = "MRN-4711", "Doe^Jane"
    ds.PatientAge, ds.PatientSex = "061Y", "F"
    ds.Rows, ds.Columns = pixels.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.PixelData = (pixels.astype(np.int32) + 1024).astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds
