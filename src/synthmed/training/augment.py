"""Augmentation that keeps what an image means; which operations are safe depends on the type.

All operations are exact on the pixel grid (no interpolation), so that they leave the spectrum of
the images as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from synthmed.errors import SynthmedError


def flip(x_CHW: Tensor, draw: Generator) -> Tensor:
    """Mirror left and right with probability 1/2. Never safe for chests: organs have sides."""
    return x_CHW.flip(-1) if _coin(draw) else x_CHW


def turn(x_CHW: Tensor, draw: Generator) -> Tensor:
    """Rotate by a random multiple of 90 degrees and mirror: for images without an up."""
    x_CHW = torch.rot90(x_CHW, int(torch.randint(4, (), generator=draw)), (-2, -1))
    return flip(x_CHW, draw)


def symmetric(x_CHW: Tensor, draw: Generator) -> Tensor:
    """Mirror left and right, and up and down, each with probability 1/2.

    Unlike `turn` it keeps the long side of a picture where it is, and so the bars of its padding.
    """
    x_CHW = flip(x_CHW, draw)
    return x_CHW.flip(-2) if _coin(draw) else x_CHW


def shift(x_CHW: Tensor, draw: Generator) -> Tensor:
    """Move by up to 3 % of the side, whole pixels, edges repeated."""
    reach = max(1, round(0.03 * x_CHW.shape[-1]))
    dy, dx = (int(v) for v in torch.randint(-reach, reach + 1, (2,), generator=draw))
    height, width = x_CHW.shape[-2:]
    padded = pad(x_CHW[None], (reach, reach, reach, reach), mode="replicate")[0]
    return padded[:, reach + dy : reach + dy + height, reach + dx : reach + dx + width]


def gain(x_CHW: Tensor, draw: Generator) -> Tensor:
    """Scale brightness above black by 0.9 to 1.1, clipped at white."""
    factor = 0.9 + 0.2 * float(torch.rand((), generator=draw))
    return ((x_CHW + 1) * factor - 1).clamp(-1, 1)


OPERATIONS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "flip": flip,
    "turn": turn,
    "symmetric": symmetric,
    "shift": shift,
    "gain": gain,
}

SAFE: dict[str, tuple[str, ...]] = {
    "chest X-ray": ("shift", "gain"),
    "brain MRI": ("flip", "gain"),
    "breast ultrasound": ("flip", "gain"),
    "mammography": ("flip", "gain"),
    "dermatoscopy": ("symmetric",),
    "blood smear": ("symmetric",),
    "fluorescence nuclei": ("turn", "gain"),
    "bright-field nuclei": ("turn",),
}
"""Operations known to be safe, by image type; types not listed get none unless the recipe says."""


def operations_of(image_type: str, chosen: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The operations of a type: the recipe's if it names the type, else the safe list's.

    Raises:
        SynthmedError: An unknown operation, or mirroring chests.
    """
    names = tuple(chosen.get(image_type, SAFE.get(image_type, ())))
    for name in names:
        if name not in OPERATIONS:
            known = ", ".join(OPERATIONS)
            raise SynthmedError(
                f"unknown augmentation {name!r}", where=image_type, mend=f"Known: {known}."
            )
    if "chest" in image_type.lower() and {"flip", "turn", "symmetric"} & set(names):
        raise SynthmedError(
            "chests must not be mirrored: the heart would change sides",
            where=f"augment of {image_type}",
            mend="Use shift and gain.",
        )
    return names


def augment(x_CHW: Tensor, names: Sequence[str], draw: Generator) -> Tensor:
    """Apply the named operations in order to an image in [-1, 1]; draws come from `draw` alone."""
    for name in names:
        x_CHW = OPERATIONS[name](x_CHW, draw)
    return x_CHW


def _coin(draw: Generator) -> bool:
    return bool(torch.rand((), generator=draw) < 0.5)
