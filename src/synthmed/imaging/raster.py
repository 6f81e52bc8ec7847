"""Read PNG, JPEG, TIFF, WebP, BMP, GIF, PGM and PPM with 8 or 16 bits, all of them kept."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from synthmed.imaging.deep import deep_colour, is_deep_colour, native_order, raw_mode
from synthmed.imaging.files import (
    MAX_BYTES,
    BoundedFile,
    Path_,
    RefusedError,
    bounded_file,
    refuse_size,
    unreadable,
)
from synthmed.imaging.pnm import open_deep_pnm, pnm_maximum
from synthmed.imaging.spec import FloatArray, ImageSpec, spec_8bit, spec_range

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM")
_SMALLEST_FRAME = 8  # bytes; no format stores a frame in less
_GREY, _DEEP_GREY = {"1", "L", "LA"}, {"I;16", "I;16B", "I;16L"}
_COLOUR = {"RGB", "RGBA", "RGBX", "RGBa"}
_PLAIN, _DEEP = (8, 0.0, 255.0), (16, 0.0, 65535.0)  # bits, lowest and highest value


def open_raster(path: Path_, frame: int = 0) -> tuple[FloatArray, ImageSpec]:
    """Read a raster file.

    Grey files give 1 channel, colour files 3; a palette of greys counts as grey. Transparent
    pixels are laid on black. The EXIF orientation is applied. 8-bit files map 0 to 255 to
    [-1, 1], 16-bit files 0 to 65535, signed ones -32768 to 32767, PGM and PPM of more than 8 bits
    0 to their own maximum. Colour of 16 bits keeps all of them.

    Args:
        path: A PNG, JPEG, TIFF, WebP, BMP, GIF, PGM or PPM.
        frame: Number of the frame of an animated or multi-page file, from 0.

    Returns:
        The image, float32 (C, H, W), and its spec.

    Raises:
        SynthmedError: The file is missing, damaged, too large, of a colour mode that is not read,
            or has no such frame.
    """
    try:
        with bounded_file(path, MAX_BYTES) as file:
            if maximum := pnm_maximum(file):
                return open_deep_pnm(path, file, maximum)
            with _opened(path, file, frame) as image:
                values, low, high, bits = _values(image)
                name = "JPEG" if image.format == "MPO" else image.format or "PNG"
    except Exception as error:  # whatever a decoder meets in a damaged file
        raise unreadable(path, error) from error
    planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    if bits == 8:
        spec = spec_8bit(planes.shape[0], name)
        return np.ascontiguousarray(planes, np.float32) / np.float32(127.5) - np.float32(1), spec
    spec = spec_range(planes.shape[0], bits, low, high, name)
    return spec.from_value(np.ascontiguousarray(planes)), spec


def check_raster(path: Path_) -> ImageSpec:
    """Check that `open_raster` can read a file, at a fraction of its cost where that is possible.

    A PNG's chunks are checked by their CRC, a JPEG is decoded at an eighth of its size; all else
    is decoded in full.

    Raises:
        SynthmedError: As `open_raster`.
    """
    try:
        with bounded_file(path, MAX_BYTES) as file, _opened(path, file, 0) as image:
            deep = image.mode in _DEEP_GREY or is_deep_colour(image)
            if image.format == "PNG" and image.mode != "P":
                _refuse_mode(image, _GREY | _COLOUR | _DEEP_GREY)
                grey = image.mode in _GREY | _DEEP_GREY or raw_mode(image).startswith("LA")
                image.verify()
                return spec_range(1 if grey else 3, *(_DEEP if deep else _PLAIN), "PNG")
            if image.format in {"JPEG", "MPO"} and image.mode in _GREY | _COLOUR:
                channels = 1 if image.mode in _GREY else 3
                image.draft("L", (1, 1))
                image.load()
                return spec_8bit(channels, "JPEG")
    except Exception as error:  # whatever a decoder meets in a damaged file
        raise unreadable(path, error) from error
    return open_raster(path)[1]


def raster_frames(path: Path_) -> int:
    """Give the number of frames or pages that a raster file says it has.

    Raises:
        SynthmedError: The file cannot be opened, or says that it has more frames than bytes for
            them.
    """
    try:
        with bounded_file(path, MAX_BYTES) as file, _opened(path, file, 0) as image:
            count = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
            if count > max(1, file.size // _SMALLEST_FRAME):
                raise RefusedError(f"this file cannot hold the {count:,} frames that it names")
    except Exception as error:  # whatever a decoder meets in a damaged file
        raise unreadable(path, error) from error
    return count


@contextmanager
def _opened(path: Path_, file: BoundedFile, frame: int) -> Iterator[Image.Image]:
    """Open a file at a frame without decoding it; refuse what is too large."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's; our own bound is `refuse_size`
        with Image.open(file, formats=FORMATS) as image:
            refuse_size(path, image.height, image.width, 8, file.size)
            if frame:
                last = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
                if not 0 <= frame < last:
                    raise RefusedError(f"no frame {frame}: this file has {last}")
                image.seek(frame)
                refuse_size(path, image.height, image.width, 8, file.size)
            yield image


def _values(image: Image.Image) -> tuple[npt.NDArray[Any], float, float, int]:
    """Decode: values (H, W) or (H, W, 3) as stored, lowest and highest value, bits."""
    if is_deep_colour(image):
        if image.tell() and image.format == "PNG":
            raise RefusedError("only the first picture of a 16-bit colour animation is read")
        return deep_colour(image), 0.0, 65535.0, 16
    if image.mode in _DEEP_GREY:
        inverted = _tag(image, 262) == 0  # TIFF: white is zero
        values = np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)
        bits = int(np.atleast_1d(_tag(image, 258) or 16)[0])
        high = 2**bits - 1
        if (key := image.info.get("transparency")) is not None and isinstance(key, int):
            values = np.where(values == key, 0, values).astype(np.uint16)
        return (high - values if inverted else values), 0.0, float(high), bits
    if image.mode == "I" and _tag(image, 258) == (16,):
        native_order(image)
        return np.asarray(ImageOps.exif_transpose(image)), -32768.0, 32767.0, 16
    _refuse_mode(image, _GREY | _COLOUR | {"P", "PA"})
    pixels = _to_grey_or_rgb(ImageOps.exif_transpose(image))
    return np.asarray(pixels), 0.0, 255.0, 8


def _tag(image: Image.Image, number: int) -> Any:
    """Give a TIFF tag, None in other formats."""
    tags = getattr(image, "tag_v2", None)
    return None if tags is None else tags.get(number)


def _refuse_mode(image: Image.Image, modes: set[str]) -> None:
    if image.mode not in modes:
        raise RefusedError(
            f"images of colour mode {image.mode} are not read", mend="Save it as grey or RGB."
        )
    if max(np.atleast_1d(_tag(image, 258) or 8)) > 8 and image.mode not in _DEEP_GREY:
        raise RefusedError(
            "this TIFF's layout would lose bits", mend="Save it with its channels interleaved."
        )


def _is_grey_palette(image: Image.Image) -> bool:
    palette = image.getpalette("RGB") if image.mode == "P" else None
    if not palette:
        return False
    entries = np.asarray(palette).reshape(-1, 3)
    return bool((entries == entries[:, :1]).all())


def _to_grey_or_rgb(image: Image.Image) -> Image.Image:
    """Turn any accepted mode into L or RGB, transparent pixels laid on black."""
    grey = image.mode in _GREY or _is_grey_palette(image)
    if image.mode in {"LA", "RGBA", "RGBa", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, (0, 0, 0, 255))
        image = Image.alpha_composite(background, layer).convert("RGB")
    return image.convert("RGB").getchannel(0) if grey else image.convert("RGB")
