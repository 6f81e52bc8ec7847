"""The methods of `translate`, all of one form, and how their images are kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.common import say
from benchmarks.data import slug
from benchmarks.translate_classic import FourierAdaptation, HistogramMatching, Identity
from benchmarks.translate_cyclegan import CycleGAN
from benchmarks.translate_network import (
    BATCH,
    DDIB,
    OURS,
    OURS_KEPT,
    SDEDIT,
    CodecRoundTrip,
    OnNetwork,
    Ours,
    SDEdit,
)
from synthmed.models.generator import Generator
from synthmed.synthesis.editing import EditSettings
from synthmed.synthesis.editing import evaluations as edit_evaluations

if TYPE_CHECKING:
    from benchmarks.translate_frame import Bench

__all__ = [
    "BATCH",
    "DDIB",
    "DEPTHS",
    "GUIDANCE",
    "GUIDANCES",
    "OURS",
    "OURS_KEPT",
    "SDEDIT",
    "STEPS",
    "CodecRoundTrip",
    "CycleGAN",
    "Identity",
    "Method",
    "OnNetwork",
    "Ours",
    "SDEdit",
    "cyclegan",
    "made",
    "ours",
    "sdedit",
    "standard",
]

Pixels = npt.NDArray[np.float32]
DEPTHS = (0.8, 0.6, 0.45, 0.3, 0.15)
STEPS = 16
GUIDANCE = 1.5
"""Where nothing chose another one on validation images; of ours and of SDEdit."""
GUIDANCES = (1.0, 1.5, 2.0)
"""Scales that validation images choose from."""


class Method(Protocol):
    """A way to translate.

    Attributes:
        name: Name of the row.
        family: Methods of one family are settings of one dial, and ranked once.
        parameters: Of all networks that run when an image is translated.
        evaluations: Images through the denoiser once each, an image; guidance counted.
        key: What decides the output beside images and domains.
    """

    name: str
    family: str
    key: str

    @property
    def parameters(self) -> int: ...  # noqa: D102

    @property
    def evaluations(self) -> float: ...  # noqa: D102

    def translate(self, images_N1SS: Pixels, source: str, target: str) -> Pixels:
        """Images `(N, 1, S, S)` in [-1, 1] of the source domain to the target's, 8 bits deep."""
        ...


def fair_steps(evaluations: float, guidance: float) -> int:
    """Steps of SDEdit with at least so many evaluations."""
    return int(-(-evaluations // (1 if guidance == 1 else 2)))


def ours(
    generator: Generator, guidance: float = GUIDANCE, steps: int = STEPS, detail: str = "model"
) -> list[Ours]:
    """Ours at all depths."""
    return [
        Ours(generator, EditSettings(depth, guidance, steps, detail=detail)) for depth in DEPTHS
    ]


def sdedit(
    generator: Generator, guidance: float = GUIDANCE, evaluations: float | None = None
) -> list[SDEdit]:
    """SDEdit at all depths, by default with as many evaluations as ours."""
    if evaluations is None:
        evaluations = edit_evaluations(EditSettings(DEPTHS[0], GUIDANCE, STEPS))
    steps = fair_steps(evaluations, guidance)
    return [SDEdit(generator, depth, guidance, steps, "multistep") for depth in DEPTHS]


def standard(
    generator: Generator,
    train: Mapping[str, Pixels],
    guidance: tuple[float, float] = (GUIDANCE, GUIDANCE),
    steps: int = STEPS,
) -> list[Method]:
    """All methods but CycleGAN, in the order of the table.

    Args:
        generator: The model.
        train: Training images `(N, 1, S, S)` in [-1, 1] by domain, for the classic methods.
        guidance: Scales of ours (and DDIB) and of SDEdit.
        steps: Solver steps of ours, each way.
    """
    own, other = guidance
    bridge = EditSettings(0.0, own, steps)
    return [
        Identity(),
        CodecRoundTrip(generator),
        HistogramMatching(train),
        FourierAdaptation(train),
        *sdedit(generator, other, edit_evaluations(EditSettings(DEPTHS[0], own, steps))),
        Ours(generator, bridge, DDIB, DDIB),
        *ours(generator, own, steps),
        *ours(generator, own, steps, "keep"),
    ]


def cyclegan(bench: Bench, a: str, b: str) -> CycleGAN:
    """The CycleGAN of two domains of the benchmark, in either order; trained on first use."""
    one, other = sorted((a, b))
    sides = [bench.data.part(name, "train").images for name in (one, other)]
    size = bench.profile
    folder = bench.work / "cyclegan" / slug(f"{one} {other}")
    about = (folder, size.views, size.tiny, bench.device)
    return CycleGAN.trained(sides[0], sides[1], (one, other), *about, width=size.gan_width)


def made(
    work: Path, method: Method, images_N1SS: Pixels, source: str, target: str, key: str
) -> Pixels:
    """A method's images, made once and kept with 8 bits.

    Args:
        work: The benchmark's folder; the images go to `made/`.
        method: The method.
        images_N1SS: The source's images.
        source: Their domain.
        target: The domain that they are brought to.
        key: What they are for, in the file's name.
    """
    digest = hashlib.sha256(f"{method.key} {source} {target}".encode())
    digest.update(np.ascontiguousarray(images_N1SS).tobytes())
    file = work / "made" / slug(key) / f"{slug(method.name)}-{digest.hexdigest()[:16]}.npy"
    if not file.is_file():
        say(f"  making {len(images_N1SS)} images: {key}, {method.name} ...")
        images = method.translate(images_N1SS, source, target)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npy")
        np.save(part, np.rint((images + 1) * 127.5).astype(np.uint8))
        os.replace(part, file)
    return np.asarray(np.load(file) / 127.5 - 1, np.float32)
