"""Decode 16-bit colour exactly with Pillow, which keeps the high byte of each sample only.

Pillow unpacks a sample of two bytes by taking the first ("...;16B") or the second ("...;16L") of
them. The same file decoded once each way gives both bytes, by Pillow's own tested decoders and
filters (PNG: ISO/IEC 15948, section 9; TIFF 6.0).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

_OTHER = {"B": "L", "L": "B"}
_NATIVE = "L" if sys.byteorder == "little" else "B"


def raw_mode(image: Any) -> str:
    """Give Pillow's raw mode of the first tile, "" if there is none."""
    args = image.tile[0].args if image.tile else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def is_deep_colour(image: Any) -> bool:
    """Whether an image that is not yet decoded has colour, or grey and alpha, of 16 bits."""
    mode = raw_mode(image)
    return mode[:-1].endswith(";16") and mode.startswith(("RGB", "LA"))


def deep_colour(image: Any) -> npt.NDArray[np.uint16]:
    """Decode 16-bit colour.

    Args:
        image: An opened image of which `is_deep_colour` is true, at the frame wanted.

    Returns:
        uint16 (H, W, 3), or (H, W) for grey with alpha; alpha is laid on black.

    Raises:
        OSError: The file is damaged (as Pillow says).
        ValueError: The raw mode is none of those known.
    """
    mode = raw_mode(image)
    if mode == "LA;16B":
        return _grey_alpha(image)
    if mode[:-1] not in {"RGB;16", "RGBA;16", "RGBX;16", "RGBa;16"}:
        raise ValueError(f"16-bit colour of mode {mode} is not read")
    order = _NATIVE if mode[-1] == "N" else mode[-1]
    high, low = (_decoded(image, mode[:-1] + byte) for byte in (order, _OTHER[order]))
    values: npt.NDArray[Any] = high.astype(np.uint16) << 8 | low
    key = image.info.get("transparency")
    if values.shape[2] == 4 and mode.startswith("RGBA"):
        weight = values[..., 3:].astype(np.uint32)
        values = ((values[..., :3] * weight + 32767) // 65535).astype(np.uint16)
    elif isinstance(key, tuple) and len(key) == 3:
        values = np.where((values == np.asarray(key)).all(-1, keepdims=True), 0, values)
    return values[..., :3]


def native_order(image: Any) -> None:
    """Mend signed 16-bit TIFF: libtiff gives native byte order, Pillow swaps big-endian files."""
    if image.tile and image.tile[0].codec_name == "libtiff":
        _use(image, "I;16NS")


def _decoded(image: Any, raw: str) -> npt.NDArray[np.uint8]:
    """Decode one byte of each sample, uint8 (H, W, 3 or 4), from a copy: images decode once."""
    with Image.open(image.fp, formats=(image.format,)) as copy:
        copy.seek(image.tell())
        # RGBa and RGBX: the library must not undo or drop the fourth channel byte by byte.
        _use(copy, raw.replace("RGBa", "RGBA").replace("RGBX", "RGBA"))
        if raw.startswith(("RGBa", "RGBX")):
            copy._mode = "RGBA"
        return np.asarray(ImageOps.exif_transpose(copy))


def _use(image: Any, raw: str) -> None:
    def changed(args: Any) -> Any:
        return (raw, *args[1:]) if isinstance(args, tuple) else raw

    image.tile = [tile._replace(args=changed(tile.args)) for tile in image.tile]


def _grey_alpha(image: Any) -> npt.NDArray[np.uint16]:
    """Grey and alpha of 16 bits have the layout of 8-bit RGBA."""
    _use(image, "RGBA")
    image._mode = "RGBA"
    image.info.pop("transparency", None)
    pixels = np.asarray(image).astype(np.uint32)
    grey, alpha = (pixels[..., i] << 8 | pixels[..., i + 1] for i in (0, 2))
    return ((grey * alpha + 32767) // 65535).astype(np.uint16)
