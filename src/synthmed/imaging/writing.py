"""Write images as PNG (8 or 16 bits) or JPEG, each file whole or not at all."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from synthmed.errors import SynthmedError
from synthmed.imaging.png16 import png16

_XMP_KEYWORD = "XML:com.adobe.xmp"  # the PNG text keyword that the XMP specification names


def write_png(
    path: str | os.PathLike[str],
    x: npt.NDArray[Any],
    text: Mapping[str, str] | None = None,
    xmp: str | None = None,
    bits: int = 8,
) -> None:
    """Write an image as a PNG.

    Args:
        path: The file; its folder is made.
        x: (1, H, W) or (3, H, W) in [-1, 1]; values beyond are clipped.
        text: PNG text chunks by keyword (1 to 79 Latin letters).
        xmp: An XMP packet.
        bits: Bits per channel, 8 or 16.

    Raises:
        SynthmedError: An array of another shape or with NaN; other bits; a full disk.
    """
    if bits not in (8, 16):
        raise SynthmedError(f"a PNG is written with 8 or 16 bits, not {bits}", where=path)
    info = PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    if xmp is not None:
        info.add_itxt(_XMP_KEYWORD, xmp)
    if bits == 16:
        _check(x, path)
        chunks = [(bytes(chunk[0]), bytes(chunk[1])) for chunk in info.chunks]
        write_atomic(path, png16(to_uint16(x), chunks))
        return
    buffer = io.BytesIO()
    _to_pillow(x, path).save(buffer, "PNG", pnginfo=info)
    write_atomic(path, buffer.getvalue())


def write_mask(path: str | os.PathLike[str], labels: npt.NDArray[Any]) -> None:
    """Write labels as a grey PNG, of 8 bits where they fit, else of 16.

    Args:
        path: The file; its folder is made.
        labels: Whole numbers (H, W) from 0 to 65535.

    Raises:
        SynthmedError: Another shape, other values; a full disk.
    """
    if labels.ndim != 2 or not labels.size:
        raise SynthmedError(f"a mask is (H, W), not {labels.shape}", where=path)
    whole = np.rint(np.asarray(labels, dtype=np.float64))
    if not (np.array_equal(whole, labels) and whole.min() >= 0 and whole.max() <= 65535):
        raise SynthmedError("a mask holds whole numbers from 0 to 65535", where=path)
    if whole.max() > 255:
        write_atomic(path, png16(whole.astype(np.uint16)[None], []))
        return
    buffer = io.BytesIO()
    Image.fromarray(whole.astype(np.uint8)).save(buffer, "PNG")
    write_atomic(path, buffer.getvalue())


def write_jpeg(
    path: str | os.PathLike[str],
    x: npt.NDArray[Any],
    text: Mapping[str, str] | None = None,
    xmp: str | None = None,
    quality: int = 95,
) -> None:
    """Write an image as an 8-bit JPEG without chroma subsampling.

    Args:
        path: The file; its folder is made.
        x: (1, H, W) or (3, H, W) in [-1, 1]; values beyond are clipped.
        text: Written as a JSON object into the JPEG comment.
        xmp: An XMP packet.
        quality: JPEG quality, 1 to 95.

    Raises:
        SynthmedError: An array of another shape or with NaN; a full disk.
    """
    options: dict[str, Any] = {"quality": quality, "subsampling": 0}
    if text:
        options["comment"] = json.dumps(dict(text), ensure_ascii=False)
    if xmp is not None:
        options["xmp"] = xmp.encode()
    buffer = io.BytesIO()
    _to_pillow(x, path).save(buffer, "JPEG", **options)
    write_atomic(path, buffer.getvalue())


def to_uint8(x: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Round an image in [-1, 1] to grey levels, any shape: ``rint((x + 1) * 127.5)``, clipped."""
    levels = np.rint((np.asarray(x, dtype=np.float64) + 1.0) * 127.5)
    return np.clip(levels, 0, 255).astype(np.uint8)


def to_uint16(x: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """Round an image in [-1, 1] to 65536 levels, any shape: ``rint((x + 1) * 32767.5)``, clipped.

    The float32 image of a 16-bit file gives the file's own levels back.
    """
    levels = np.rint((np.asarray(x, dtype=np.float64) + 1.0) * 32767.5)
    return np.clip(levels, 0, 65535).astype(np.uint16)


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it; the folder is made.

    Raises:
        SynthmedError: The disk is full or the folder cannot be written.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SynthmedError(
            f"cannot write: {error.strerror or error}",
            where=path,
            mend="Free some space, or choose a folder that can be written.",
        ) from error


def _check(x: npt.NDArray[Any], path: str | os.PathLike[str]) -> None:
    if x.ndim != 3 or x.shape[0] not in (1, 3):
        raise SynthmedError(f"an image is (1 or 3, H, W), not {x.shape}", where=path)
    if np.isnan(x).any():
        raise SynthmedError("the image holds values that are not numbers (NaN)", where=path)


def _to_pillow(x: npt.NDArray[Any], path: str | os.PathLike[str]) -> Image.Image:
    _check(x, path)
    levels = to_uint8(x)
    if x.shape[0] == 1:
        return Image.fromarray(levels[0])
    return Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
