"""Framing for translation: a stored image to the model's square, and the result back onto it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import image_frames, open_image
from synthmed.imaging.spec import FloatArray, ImageSpec


@dataclass(frozen=True)
class Framed:
    """An image and how it lies in the model's square.

    Attributes:
        x: The image as stored, (1 or 3, H, W) in [-1, 1].
        spec: Its spec: bits, unit, spacing.
        frame: Leads to the square and back.
        square: What the model sees, (3, S, S) in [-1, 1].
    """

    x: FloatArray
    spec: ImageSpec
    frame: Frame
    square: FloatArray


def open_framed(path: Path, size: int, *, grey_only: bool) -> Framed:
    """Open an image and frame it as in training: its full range, resized to fit, padded.

    An image of three equal channels is taken for the grey image that it is.

    Args:
        path: The file: a single image in any format that synthmed reads.
        size: The model's image size S, in pixels.
        grey_only: Whether the model knows grey images only.

    Raises:
        SynthmedError: The file cannot be read, holds several images, or is in colour where the
            model knows grey images only.
    """
    if (count := image_frames(path)) > 1:
        raise SynthmedError(
            f"the file holds {count} images", mend="Import it first: synthmed import."
        )
    x, spec = open_image(path)
    if len(x) == 3 and np.array_equal(x[0], x[1]) and np.array_equal(x[0], x[2]):
        x, spec = np.ascontiguousarray(x[:1]), replace(spec, channels=1)
    if len(x) == 3 and grey_only:
        raise SynthmedError("a colour image, and the model knows grey images only")
    frame = Frame.for_image(x, size)
    square = frame.apply(x)
    return Framed(x, spec, frame, np.repeat(square, 3 // len(square), axis=0))


def finished(
    source: Framed, edited: npt.NDArray[Any], rebuilt: npt.NDArray[Any] | None
) -> FloatArray:
    """Lead an edited image back onto its source: the source's size and number of channels.

    Args:
        source: The source.
        edited: What the model made of its square, (3, S, S) in [-1, 1].
        rebuilt: What the codec alone makes of its square, to keep the source's own detail: then
            only the difference of the two is enlarged and added to the source. None to give the
            edited image itself, enlarged or reduced.

    Returns:
        The image, (1 or 3, H, W) in [-1, 1]; exactly the source where edited equals rebuilt.
    """
    channels = len(source.x)
    if rebuilt is None:
        return np.clip(source.frame.undo(_channels(edited, channels)), -1, 1)
    half = _channels((edited - rebuilt) / 2, channels)  # within [-1, 1], where a frame clips
    return np.clip(source.x + 2 * source.frame.undo(half), -1, 1).astype(np.float32)


def _channels(x: npt.NDArray[Any], channels: int) -> npt.NDArray[Any]:
    """Average the model's three channels for a grey image."""
    return x.mean(axis=0, keepdims=True) if channels == 1 else x
