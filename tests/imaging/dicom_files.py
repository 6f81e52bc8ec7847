"""Write small DICOM files for tests, with pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless, generate_uid

EXPLICIT = str(ExplicitVRLittleEndian)
RLE = str(RLELossless)


def dicom_dataset(pixels: npt.NDArray[Any], **tags: Any) -> Dataset:
    """Make a data set of pixels (H, W), (H, W, 3) or, with `frames=True`, (N, H, W, ...).

    Bits, sign and photometric interpretation follow the array unless named; None deletes a tag.
    """
    frames = tags.pop("frames", False)
    syntax = tags.pop("syntax", EXPLICIT)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    shape = pixels.shape[1:] if frames else pixels.shape
    ds.Rows, ds.Columns = shape[:2]
    ds.SamplesPerPixel = 3 if len(shape) == 3 else 1
    ds.PhotometricInterpretation = "RGB" if len(shape) == 3 else "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    if len(shape) == 3:
        ds.PlanarConfiguration = 0
    if frames:
        ds.NumberOfFrames = len(pixels)
    data = pixels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    for name, value in tags.items():
        if value is None:
            delattr(ds, name)
        else:
            setattr(ds, name, value)
    if "HighBit" not in tags and "BitsStored" in tags:
        ds.HighBit = ds.BitsStored - 1
    return ds


def write_dicom(path: Path, pixels: npt.NDArray[Any], **tags: Any) -> Path:
    """Write a data set of `dicom_dataset`; `compress` names a transfer syntax to encode with."""
    compress = tags.pop("compress", None)
    ds = dicom_dataset(pixels, **tags)
    if compress:
        plugin = "pydicom" if compress == RLE else "pylibjpeg"  # GDCM aborts on some frames
        ds.compress(compress, encoding_plugin=plugin, generate_instance_uid=False)
    ds.save_as(path, enforce_file_format=True)
    return path


def noise(*shape: int, bits: int = 12, signed: bool = False) -> npt.NDArray[Any]:
    """Seeded noise over the whole range of the bits."""
    low = -(2 ** (bits - 1)) if signed else 0
    values = np.random.default_rng(0).integers(low, low + 2**bits, shape)
    values.flat[:2] = [low, low + 2**bits - 1]
    size = 8 if bits <= 8 else 16
    return values.astype(f"{'i' if signed else 'u'}{size // 8}")


def lut_item(first: int, bits: int, values: list[int], **more: Any) -> Dataset:
    """Make an item of a modality or VOI LUT sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first % 65536, bits])
    item.add_new("LUTData", "OW", np.array(values, "<u2").tobytes())
    for name, value in more.items():
        setattr(item, name, value)
    return item


def recode(path: Path, syntax: str) -> Path:
    """Encode a DICOM file anew by GDCM; `syntax` is GDCM's name of a transfer syntax."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return path
