"""Tiny generators with domains: random networks that listen, and a field known in closed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthmed.models.codec import AutoencoderCodec, IdentityCodec, build_autoencoder
from synthmed.models.conditioners import LabelConditioner
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.training.settings import ConditionSettings
from synthmed.training.text import build_text_conditioner
from synthmed.transport.paths import LinearPath

WIDTH, SIZE = 32, 16
DOMAINS = ["render", "site a", "site b"]
TEXTS = ["chest X-ray, PA view, pneumonia", "chest X-ray, no finding"]
STATISTICS = {
    "render": {"mean": [0.3, -0.2, 0.1, 0.0], "std": [0.5, 0.7, 1.1, 0.9]},
    "site a": {"mean": [-0.4, 0.1, 0.2, 0.3], "std": [1.3, 0.6, 0.8, 1.0]},
    "site b": {"mean": [0.0, 0.2, -0.3, 0.1], "std": [0.9, 1.2, 0.7, 1.1]},
}


def card(**more: Any) -> dict[str, Any]:
    types = [{"name": "chest X-ray", "grey": True, "words": ["chest"]}]
    shares = {"render": 0.5, "site a": 0.5, "site b": 0.5}
    domains = {
        name: {"images": 40, "groups": 40, "labels": {"pneumonia": share}}
        for name, share in shares.items()
    }
    return {"name": "tiny", "types": types, "domains": domains, **more}


@torch.no_grad()
def translator(*, text: bool = False, **changes: Any) -> Generator:
    """A random generator of 16 px on 4 x 8 x 8 latents; `changes` replace its parts."""
    torch.manual_seed(0)
    vae = build_autoencoder(
        image_size=SIZE, latent_channels=4, block_out_channels=(16, 16), layers_per_block=1
    )
    vae.decoder.conv_out.weight.mul_(1.5)
    vae.encoder.conv_out.weight.mul_(2.5)
    conditioners: dict[str, Any] = {}
    if text:
        settings = ConditionSettings(vocabulary=520, width=WIDTH, layers=1, heads=2, max_length=40)
        conditioners["text"] = build_text_conditioner(TEXTS, settings, 0)
        conditioners["text"].module.eval()
    conditioners["domain"] = LabelConditioner(DOMAINS, WIDTH)
    parts: dict[str, Any] = {
        "codec": AutoencoderCodec(vae.eval()),
        "conditioners": conditioners,
        "unet": tiny_unet(),
        "path": LinearPath(),
        "image_size": SIZE,
        "card": card(),
        "hash": "a" * 64,
    }
    return Generator(**(parts | changes))


@torch.no_grad()
def tiny_unet(channels: int = 4, side: int = 8) -> Any:
    unet = build_unet(
        sample_size=side,
        latent_channels=channels,
        condition_width=WIDTH,
        block_out_channels=(16, 32),
        attention=(True, False),
        layers_per_block=1,
        heads=2,
    )
    for name, weight in unet.named_parameters():  # an untrained network that listens
        if "attn2.to_out" in name or "time_emb_proj" in name:
            weight.mul_(6)
    return unet.eval()


def gaussian_translator(std: float = 0.2, means: tuple[float, ...] = (-0.3, 0.2, 0.0)) -> Generator:
    """Pixels as latents, and the exact velocity of N(mean of the domain, std^2)."""
    made = translator(codec=IdentityCodec(), unet=tiny_unet(3, SIZE))
    with torch.no_grad():
        weights = made.conditioners["domain"].module.embedding.weight  # type: ignore[union-attr]
        weights[: len(means), 0] = torch.tensor(means)

    def velocities(z: Tensor, t: float, conditions: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        variance = (t * std) ** 2 + (1 - t) ** 2
        slope = (t * std**2 - (1 - t)) / variance
        centres = [c[:, 0, 0].detach().reshape(-1, 1, 1, 1) for c in conditions]
        return tuple(m + slope * (z - t * m) for m in centres)

    made.velocities = velocities  # type: ignore[method-assign,assignment]
    return made


def smooth_images(count: int = 4, channels: int = 1, size: int = SIZE, seed: int = 5) -> Tensor:
    """Smooth random images `(count, channels, size, size)` in [-0.9, 0.9]."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, channels, 4, 4, generator=draw)
    grown = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic")
    return (0.5 * grown).clamp(-0.9, 0.9)


def levels(x: Any) -> Any:
    """Images in [-1, 1] to the grey levels 0 to 255 that are stored."""
    return np.rint((np.asarray(x, np.float64) + 1) * 127.5)


def saved(folder: Path, **how: Any) -> Path:
    return translator(**how).save(folder)
