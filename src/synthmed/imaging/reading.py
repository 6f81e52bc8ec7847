"""Read 8-bit PNG and JPEG files into float32 arrays of shape (C, H, W) in [-1, 1]."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from synthmed.errors import SynthmedError
from synthmed.imaging.spec import FloatArray, ImageSpec, spec_8bit

MAX_PIXELS = 64_000_000  # an image above this is taken for a decompression bomb
_GREY_MODES = {"1", "L", "LA"}
_COLOUR_MODES = {"RGB", "RGBA"}


def open_image(path: str | os.PathLike[str]) -> tuple[FloatArray, ImageSpec]:
    """Read an 8-bit PNG or JPEG.

    Grey files give 1 channel, colour files 3; a palette of greys counts as grey. Transparent
    pixels are laid on black. The EXIF orientation is applied. The stored range 0 to 255 is
    mapped to [-1, 1] by ``x = value / 127.5 - 1``; nothing is clipped or stretched.

    Args:
        path: The file.

    Returns:
        The image, float32 of shape (C, H, W) in [-1, 1], and its `ImageSpec`.

    Raises:
        SynthmedError: The file is missing, damaged, larger than `MAX_PIXELS`, no PNG or JPEG, or
            of more than 8 bits per channel (Pillow would cut 16-bit colour to 8 without a word).
    """
    try:
        with _open_checked(path) as image:
            source_format = image.format or "PNG"
            pixels = _to_grey_or_rgb(ImageOps.exif_transpose(image))
    except _DECODING_ERRORS as error:
        raise _unreadable(path, error) from error
    values = np.asarray(pixels, dtype=np.float32)
    x = values[None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1))
    x = x / np.float32(127.5) - np.float32(1.0)
    return x, spec_8bit(x.shape[0], "JPEG" if source_format == "MPO" else source_format)


def check_image(path: str | os.PathLike[str]) -> ImageSpec:
    """Check that `open_image` can read a file, at a fraction of its cost.

    A PNG's chunks are checked by their CRC, a JPEG is decoded at an eighth of its size, a palette
    is decoded in full.

    Args:
        path: The file.

    Returns:
        The image's spec.

    Raises:
        SynthmedError: As `open_image`.
    """
    try:
        with _open_checked(path) as image:
            source_format = image.format or "PNG"
            if source_format == "PNG" and image.mode != "P":
                channels = 1 if image.mode in _GREY_MODES else 3
                image.verify()
            else:
                channels = 1 if image.mode in _GREY_MODES or _is_grey_palette(image) else 3
                image.draft("L", (1, 1))
                image.load()
    except _DECODING_ERRORS as error:
        raise _unreadable(path, error) from error
    return spec_8bit(channels, "JPEG" if source_format == "MPO" else source_format)


def open_mask(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read a mask: uint8 or uint16 labels of shape (H, W), as stored (a 1-bit mask gives 0, 1).

    Args:
        path: A PNG of 1, 8 or 16 bits; 16-bit instance masks keep their labels.

    Raises:
        SynthmedError: The file is missing, damaged, too large, or of several channels.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            _refuse_bomb(path, image)
            if image.mode not in {"1", "L", "P", "I;16", "I;16B", "I"}:
                raise SynthmedError(
                    f"a mask has one channel, this file has {image.mode}",
                    where=path,
                    mend="Save the mask as a grey PNG, one number per structure.",
                )
            values = np.asarray(image)
    except _DECODING_ERRORS as error:
        raise _unreadable(path, error) from error
    return values.astype(np.uint8 if image.mode in {"1", "L", "P"} else np.uint16)


_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    MemoryError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def _open_checked(path: str | os.PathLike[str]) -> Image.Image:
    """Open a file without decoding it and refuse what this reader cannot represent."""
    image = Image.open(path, formats=("PNG", "JPEG"))
    try:
        _refuse_bomb(path, image)
        if image.format == "PNG" and _png_bit_depth(path) > 8:
            raise SynthmedError(
                "this image has more than 8 bits per channel, which is not read yet",
                where=path,
                mend="Save it with 8 bits per channel.",
            )
        if image.mode not in _GREY_MODES | _COLOUR_MODES | {"P"}:
            raise SynthmedError(
                f"images of colour mode {image.mode} are not read",
                where=path,
                mend="Save it as grey or RGB.",
            )
    except BaseException:
        image.close()
        raise
    return image


def _refuse_bomb(path: str | os.PathLike[str], image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise SynthmedError(
            f"{image.width} x {image.height} pixels are more than the {MAX_PIXELS:,} allowed",
            where=path,
            mend="Make the image smaller.",
        )


def _png_bit_depth(path: str | os.PathLike[str]) -> int:
    """Read the bit depth from a PNG's header (byte 24); Pillow hides it for colour files."""
    with open(path, "rb") as file:
        header = file.read(25)
    return header[24] if len(header) == 25 else 8


def _is_grey_palette(image: Image.Image) -> bool:
    palette = image.getpalette("RGB") if image.mode == "P" else None
    if not palette:
        return False
    entries = np.asarray(palette).reshape(-1, 3)
    return bool((entries == entries[:, :1]).all())


def _to_grey_or_rgb(image: Image.Image) -> Image.Image:
    """Turn any accepted mode into L or RGB, transparent pixels laid on black."""
    grey = image.mode in _GREY_MODES or _is_grey_palette(image)
    if image.mode in {"LA", "RGBA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, (0, 0, 0, 255))
        image = Image.alpha_composite(background, layer).convert("RGB")
    return image.convert("RGB").getchannel(0) if grey else image.convert("RGB")


def _unreadable(path: str | os.PathLike[str], error: BaseException) -> SynthmedError:
    if not Path(path).exists():
        return SynthmedError("no such image", where=path, mend="Check the path.")
    return SynthmedError(
        f"cannot read this image: {' '.join(str(error).split()) or type(error).__name__}",
        where=path,
        mend="Replace it by an intact PNG or JPEG.",
    )
