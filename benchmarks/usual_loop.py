"""The training loop that most researchers write, and synthmed's parts to switch on one by one.

It follows the text-to-image example of diffusers: every step encodes a batch of images with the
autoencoder and its captions with the text model, in float32, draws noise and times, and trains the
network on the squared error; gradients are clipped, the weights averaged. Three things are as in
synthmed, so that both do the same work: the objective is flow matching's, the small text model is
trained along (it has to be; the example freezes a large one), and the averaging is the same. The
loop is spared the reading and decoding of image files and all augmentation, which favours it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.optimization import get_cosine_schedule_with_warmup
from torch import Tensor

from synthmed.models.device import autocast
from synthmed.training.ema import Ema


@dataclass(frozen=True)
class Parts:
    """What synthmed adds to the usual loop.

    Attributes:
        latents: Take latents from a cache instead of encoding images.
        distinct: Run the text model once for each distinct caption of a batch.
        bfloat16: Run the network under bfloat16 autocast.
        channels_last: Keep the network and its input in channels_last.
    """

    latents: bool = False
    distinct: bool = False
    bfloat16: bool = False
    channels_last: bool = False


@dataclass
class Networks:
    """What is trained, and what only encodes.

    Attributes:
        vae: The frozen autoencoder.
        text: The text model.
        unet: The velocity network.
    """

    vae: Any
    text: Any
    unet: Any


@dataclass
class Stock:
    """What the loop reads, all in memory.

    Attributes:
        pixels_N3SS: Images, uint8.
        latents_NChw: Their latents.
        tokens_ML: Token numbers of the distinct captions; the first is the null.
        captions_NK: Numbers of each image's captions.
    """

    pixels_N3SS: Tensor  # noqa: N815
    latents_NChw: Tensor  # noqa: N815
    tokens_ML: Tensor  # noqa: N815
    captions_NK: Tensor  # noqa: N815


class UsualLoop:
    """One optimiser step a call.

    Args:
        networks: The networks, on their device.
        stock: What is learnt from.
        parts: What of synthmed is switched on.
        batch: Images a step.
        dropout: Probability that a caption is dropped.
        device: Where to compute.
    """

    def __init__(
        self,
        networks: Networks,
        stock: Stock,
        parts: Parts,
        batch: int,
        dropout: float,
        device: torch.device,
    ) -> None:
        self.networks, self.stock, self.parts = networks, stock, parts
        self.batch, self.dropout, self.device, self.count = batch, dropout, device, 0
        networks.vae.to(device).eval().requires_grad_(False)
        networks.text.to(device).train()
        networks.unet.to(device).train()
        if parts.channels_last:
            networks.unet.to(memory_format=torch.channels_last)
        self.parameters = [*networks.unet.parameters(), *networks.text.parameters()]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=5e-4, weight_decay=1e-2)
        self.schedule = get_cosine_schedule_with_warmup(self.optimiser, 100, 100_000)
        self.average = Ema({"unet": networks.unet, "text": networks.text}, 0.999)

    def step(self) -> None:
        """Encode, draw, predict, learn."""
        rows = torch.randint(len(self.stock.pixels_N3SS), (self.batch,))
        x = self._latents(rows)
        tokens = self._tokens(rows)
        noise = torch.randn_like(x)
        t = torch.rand(self.batch, device=self.device)
        share = t[:, None, None, None]
        z = share * x + (1 - share) * noise
        if self.parts.channels_last:
            z = z.to(memory_format=torch.channels_last)
        with autocast(self.device, "bfloat16" if self.parts.bfloat16 else "float32"):
            output = self.networks.unet(z, 1000 * (1 - t), encoder_hidden_states=tokens).sample
        loss = F.mse_loss(output.float(), noise - x)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.update(self.count)
        self.count += 1
        loss.item()

    def _latents(self, rows: Tensor) -> Tensor:
        if self.parts.latents:
            return self.stock.latents_NChw[rows].to(self.device).float()
        pixels = self.stock.pixels_N3SS[rows].to(self.device).float() / 127.5 - 1
        with torch.no_grad():
            latents: Tensor = self.networks.vae.encode(pixels).latent_dist.sample()
        return latents * float(self.networks.vae.config.scaling_factor)

    def _tokens(self, rows: Tensor) -> Tensor:
        choices = self.stock.captions_NK
        captions = choices[rows, torch.randint(choices.shape[1], rows.shape)]
        captions = torch.where(torch.rand(len(rows)) < self.dropout, 0, captions)
        if self.parts.distinct:
            captions, inverse = torch.unique(captions, return_inverse=True)
        ids = self.stock.tokens_ML[captions].to(self.device)
        states: Tensor = self.networks.text(input_ids=ids).last_hidden_state
        return states[inverse.to(self.device)] if self.parts.distinct else states


def cumulative() -> Sequence[tuple[str, Parts]]:
    """The usual loop, then one part more a row."""
    return (
        ("usual loop", Parts()),
        ("+ cached latents", Parts(latents=True)),
        ("+ distinct captions", Parts(latents=True, distinct=True)),
        ("+ bfloat16 autocast", Parts(latents=True, distinct=True, bfloat16=True)),
        (
            "+ channels_last",
            Parts(latents=True, distinct=True, bfloat16=True, channels_last=True),
        ),
    )
