"""Read any image file that synthmed knows into a float32 array of shape (C, H, W)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from synthmed.imaging.files import (
    MAX_BYTES,
    MAX_PIXELS,
    Path_,
    RefusedError,
    bounded_file,
    refuse_size,
    unreadable,
)
from synthmed.imaging.kinds import kind_of
from synthmed.imaging.raster import check_raster, open_raster, raster_frames
from synthmed.imaging.spec import FloatArray, ImageSpec

__all__ = ["MAX_PIXELS", "check_image", "image_frames", "open_image", "open_mask", "open_slice"]

_MASK_MODES = {"1", "L", "P", "I;16", "I;16B", "I"}


def open_image(path: Path_, *, frame: int = 0) -> tuple[FloatArray, ImageSpec]:
    """Read one image, whatever its format; the content decides, not the name.

    Raster files: `synthmed.imaging.raster.open_raster`. DICOM: `synthmed.imaging.dicom.open_dicom`
    (MONOCHROME1 inverted, rescale applied, window only recorded). NIfTI: an axial slice, `frame`
    counted from the feet (`open_slice` takes any axis).

    Args:
        path: The file.
        frame: Number of the frame, page or slice, from 0.

    Returns:
        The image, float32 of shape (C, H, W), and its `ImageSpec`. The range that the format can
        store is mapped to [-1, 1], nothing is clipped or stretched.

    Raises:
        SynthmedError: The file is missing, damaged, larger than `MAX_PIXELS`, of no known format,
            of a kind that cannot be read without loss, or has no such frame.
    """
    kind = kind_of(path)
    if kind == "DICOM":
        from synthmed.imaging.dicom import open_dicom

        return open_dicom(path, frame)
    if kind == "NIFTI":
        return open_slice(path, "axial", frame)
    return open_raster(path, frame)


def open_slice(
    path: Path_, axis: str | int, index: int, unit: str = "stored value"
) -> tuple[FloatArray, ImageSpec]:
    """Read one slice of a NIfTI volume.

    Args:
        path: The file.
        axis: "sagittal" (0), "coronal" (1) or "axial" (2).
        index: Number of the slice along the axis, from the patient's left, back or feet.
        unit: "HU" maps -1024 to 3071 to [-1, 1]; else the range of the volume is mapped.

    Returns:
        The slice (1, H, W), seen as radiologists do (`Volume.slice`), and its spec.

    Raises:
        SynthmedError: The file cannot be read, or has no such slice.
    """
    from synthmed.imaging.nifti import open_volume

    volume = open_volume(path, unit=unit)
    try:
        return volume.slice(axis, index)
    except RefusedError as error:
        raise unreadable(path, error) from error


def check_image(path: Path_) -> ImageSpec:
    """Check that `open_image` can read a file, at a fraction of its cost where that is possible.

    A PNG's chunks are checked by their CRC, a JPEG is decoded at an eighth of its size; all else
    is decoded.

    Args:
        path: The file.

    Returns:
        The image's spec.

    Raises:
        SynthmedError: As `open_image`.
    """
    if kind_of(path) in {"DICOM", "NIFTI"}:
        return open_image(path)[1]
    return check_raster(path)


def image_frames(path: Path_) -> int:
    """Give the number of frames (DICOM), pages (TIFF), pictures (animations) or axial slices.

    Raises:
        SynthmedError: The file cannot be opened, or cannot hold as many frames as it names.
    """
    kind = kind_of(path)
    if kind == "DICOM":
        from synthmed.imaging.dicom import dicom_frames

        return dicom_frames(path)
    if kind == "NIFTI":
        from synthmed.imaging.nifti import volume_shape

        return volume_shape(path)[2]
    return raster_frames(path)


def open_mask(path: Path_) -> npt.NDArray[Any]:
    """Read a mask: uint8 or uint16 labels of shape (H, W), as stored (a 1-bit mask gives 0, 1).

    Args:
        path: A PNG, JPEG, TIFF or BMP of 1, 8 or 16 bits; 16-bit instance masks keep their labels.

    Raises:
        SynthmedError: The file is missing, damaged, too large, or of several channels.
    """
    try:
        with warnings.catch_warnings(), bounded_file(path, MAX_BYTES) as file:
            warnings.simplefilter("ignore")
            with Image.open(file, formats=("PNG", "JPEG", "TIFF", "BMP")) as image:
                refuse_size(path, image.height, image.width, 8, file.size)
                if image.mode not in _MASK_MODES:
                    raise RefusedError(
                        f"a mask has one channel, this file has {image.mode}",
                        mend="Save the mask as a grey PNG, one number per structure.",
                    )
                values = np.asarray(image)
                mode = image.mode
    except Exception as error:
        raise unreadable(path, error) from error
    if mode == "I" and (values.min() < 0 or values.max() > 65535):
        raise unreadable(path, RefusedError("a mask holds labels from 0 to 65535"))
    return values.astype(np.uint8 if mode in {"1", "L", "P"} else np.uint16)
