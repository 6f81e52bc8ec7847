"""The methods of `translate` that run on the network of the model.

- *ours*: `synthmed.synthesis.editing.edit`; "detail kept" adds only the difference to the source.
- *DDIB* (Su et al. 2023, arXiv:2203.08382): the same at depth 0.
- *SDEdit* (Meng et al. 2022, arXiv:2108.01073): the source's latents are noised to time t and
  decoded under the target with classifier-free guidance. It gets at least as many evaluations of
  the network as ours.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.data import eight_bits
from benchmarks.samplers import SEED
from synthmed.models.domain_norm import normalise
from synthmed.models.generator import Generator
from synthmed.models.records import Record
from synthmed.synthesis.editing import EditSettings, edit
from synthmed.synthesis.editing import evaluations as edit_evaluations
from synthmed.transport.seeds import batch_noise, row_seed

Pixels = npt.NDArray[np.float32]
BATCH = 32
OURS, OURS_KEPT, SDEDIT, DDIB = "ours", "ours, detail kept", "SDEdit", "DDIB"


class OnNetwork:
    """What methods on a Generator share.

    Args:
        generator: The model.
        name: Name of the row.
        family: Its family.
    """

    def __init__(self, generator: Generator, name: str, family: str) -> None:
        self.generator, self.name, self.family = generator, name, family

    @property
    def parameters(self) -> int:
        """Of all networks of the model."""
        return self.generator.parameters

    def batch(
        self, images: Tensor, source: list[Record], target: list[Record], first: int
    ) -> Tensor:
        """Translate a batch; `first` is the number of its first image."""
        raise NotImplementedError

    def translate(self, images_N1SS: Pixels, source: str, target: str) -> Pixels:
        """Images to the target domain, batch by batch; grey and 8 bits deep."""
        parts = []
        for start in range(0, len(images_N1SS), BATCH):
            part = torch.from_numpy(np.ascontiguousarray(images_N1SS[start : start + BATCH]))
            own, wanted = ([{"domain": name}] * len(part) for name in (source, target))
            parts.append(self.batch(part, list(own), list(wanted), start).mean(1, keepdim=True))
        return eight_bits(torch.cat(parts).numpy())


class Ours(OnNetwork):
    """Translation by `synthmed.synthesis.editing`.

    Args:
        generator: The model.
        settings: Depth, guidance, steps, solver, detail, inversion.
        name: Name of the row; by default family and depth.
        family: Its family.
    """

    def __init__(
        self, generator: Generator, settings: EditSettings, name: str = "", family: str = ""
    ) -> None:
        family = family or (OURS_KEPT if settings.detail == "keep" else OURS)
        super().__init__(generator, name or f"{family}, depth {settings.depth:g}", family)
        self.settings = settings

    @property
    def evaluations(self) -> float:
        """Of the network, encoding and decoding together."""
        return edit_evaluations(self.settings)

    @property
    def key(self) -> str:
        """Model and settings."""
        return f"ours {self.generator.hash} {sorted(asdict(self.settings).items())}"

    def batch(
        self, images: Tensor, source: list[Record], target: list[Record], first: int
    ) -> Tensor:
        """Edit a batch."""
        return edit(self.generator, images, source, target, self.settings)


class SDEdit(OnNetwork):
    """Noise the source's latents to a time and decode them under the target.

    Args:
        generator: The model.
        depth: The time: near 1 little noise.
        guidance: Scale of classifier-free guidance.
        steps: Solver steps.
        solver: "euler", "heun" or "multistep".
    """

    def __init__(
        self, generator: Generator, depth: float, guidance: float, steps: int, solver: str
    ) -> None:
        super().__init__(generator, f"{SDEDIT}, depth {depth:g}", SDEDIT)
        self.depth, self.guidance, self.steps, self.solver = depth, guidance, steps, solver

    @property
    def evaluations(self) -> float:
        """Of the network."""
        each = 2 if self.solver == "heun" else 1
        return each * self.steps * (1 if self.guidance == 1 else 2)

    @property
    def key(self) -> str:
        """Model and settings."""
        how = (self.depth, self.guidance, self.steps, self.solver, SEED)
        return f"sdedit {self.generator.hash} {how}"

    @torch.no_grad()
    def batch(
        self, images: Tensor, source: list[Record], target: list[Record], first: int
    ) -> Tensor:
        """Noise and decode a batch; an image's noise goes by its number."""
        model, t = self.generator, self.depth
        x = model.encode(images, source, depth=1.0)
        x = normalise(x, source, model.latent_normalisation)
        if t == 1:
            return model.decode(model.encode(images, source, depth=1.0), source, source, depth=1.0)
        seeds = [row_seed(SEED, f"sdedit {first + i}") for i in range(len(images))]
        noise = batch_noise(tuple(x.shape[1:]), seeds).to(x)
        null: list[Record] = [{}] * len(images)
        return model.decode(
            t * x + (1 - t) * noise,
            target,
            null,
            depth=t,
            guidance=self.guidance,
            steps=self.steps,
            solver=self.solver,
        )


class CodecRoundTrip(OnNetwork):
    """The source encoded and decoded by the codec: depth 1.

    Args:
        generator: The model.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__(generator, "codec round trip", "codec round trip")
        self.evaluations, self.key = 0.0, f"codec {generator.hash}"

    def batch(
        self, images: Tensor, source: list[Record], target: list[Record], first: int
    ) -> Tensor:
        """Encode and decode a batch."""
        return edit(self.generator, images, source, target, EditSettings(depth=1.0))
