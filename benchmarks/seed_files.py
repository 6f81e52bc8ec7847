"""Make one small intact file of each format and coding, to be damaged."""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from synthmed.imaging.writing import write_png

SIDE = 48
# pydicom's own test files: codings that cannot be written without an encoder
BORROWED = (
    *("MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_gdcm.dcm"),
    *("MR_small_RLE.dcm", "SC_rgb_small_odd_jpeg.dcm", "JPEGLSNearLossless_16.dcm"),
    *("examples_palette.dcm", "image_dfl.dcm", "ExplVR_BigEnd.dcm", "SC_rgb_rle_2frame.dcm"),
    *("CT_small.dcm", "MR_small_implicit.dcm", "SC_ybr_full_422_uncompressed.dcm"),
)


def seed_files(folder: Path) -> list[Path]:
    """Write the intact files.

    Args:
        folder: Where; made if missing.

    Returns:
        PNG (8 and 16 bits, grey, colour, palette), JPEG, TIFF (16-bit colour too), WebP, GIF and
        APNG animations, BMP, PGM, NIfTI (plain and zipped) and DICOM files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    grey = np.cumsum(draw.integers(0, 9, (SIDE, SIDE)), axis=1).astype(np.uint8)
    colour = np.stack([grey, grey.T, 255 - grey], axis=-1)
    one, two = Image.fromarray(colour), Image.fromarray(colour[::-1])
    Image.fromarray(grey).save(folder / "grey.png")
    one.save(folder / "colour.png")
    one.convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "palette.png")
    one.save(folder / "animated.png", save_all=True, append_images=[two])
    one.save(folder / "animated.webp", save_all=True, append_images=[two], lossless=True)
    one.save(folder / "animated.gif", save_all=True, append_images=[two])
    Image.fromarray(grey).save(folder / "grey.jpg")
    one.save(folder / "colour.jpg")
    one.save(folder / "pages.tiff", save_all=True, append_images=[two], compression="tiff_lzw")
    Image.fromarray(grey.astype(np.uint16) * 257).save(folder / "grey16.tiff")
    one.save(folder / "colour.bmp")
    Image.fromarray(grey).save(folder / "grey.pgm")
    (folder / "deep.pgm").write_bytes(b"P5 48 48 4095\n" + (grey * 16.0).astype(">u2").tobytes())
    write_png(folder / "grey16.png", grey[None] / 127.5 - 1, {"seed": "1"}, bits=16)
    write_png(folder / "colour16.png", colour.transpose(2, 0, 1) / 127.5 - 1, bits=16)
    plain = nifti_bytes(np.arange(12 * 11 * 10, dtype=np.int16).reshape(12, 11, 10))
    (folder / "volume.nii").write_bytes(plain)
    (folder / "volume.nii.gz").write_bytes(gzip.compress(plain, mtime=0))
    for name in BORROWED:
        _borrow(name, folder)
    _lossless_jpeg(folder / "CT_small.dcm", folder / "lossless_jpeg.dcm")
    return sorted(path for path in folder.iterdir() if path.is_file())


def nifti_bytes(values: np.ndarray) -> bytes:
    """Give a little-endian NIfTI-1 file of int16 voxels of 1 x 2 x 3 mm."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *values.shape, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<4f", header, 76, 1.0, 1.0, 2.0, 3.0)
    struct.pack_into("<fff", header, 108, 352.0, 1.0, 0.0)
    header[123] = 2
    struct.pack_into("<hh", header, 252, 0, 1)
    for row, size in enumerate((1.0, 2.0, 3.0)):
        struct.pack_into("<f", header, 280 + 20 * row, size)
    header[344:348] = b"n+1\0"
    return bytes(header) + values.astype("<i2").tobytes(order="F")


def _lossless_jpeg(source: Path, target: Path) -> None:
    """Encode a DICOM file as JPEG lossless, by GDCM."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.Write()


def _borrow(name: str, folder: Path) -> None:
    from pydicom.data import get_testdata_file

    path = get_testdata_file(name, download=False)
    if path:
        shutil.copyfile(str(path), folder / name)
