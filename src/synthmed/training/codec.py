"""Training of the codec: absolute error, a weak prior, and the spectrum's amplitude."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from synthmed.models.codec import AutoencoderCodec, build_autoencoder
from synthmed.models.device import autocast
from synthmed.training.augment import augment, operations_of
from synthmed.training.batches import BalancedBatches
from synthmed.training.data import TrainingImages
from synthmed.training.domains import balance_keys
from synthmed.training.pictures import image_grid
from synthmed.training.rules import SPECTRAL_WINDOW
from synthmed.training.settings import Recipe
from synthmed.training.workers import average_gradients, share


class CodecTask:
    """Train an `AutoencoderKL` (a `Task` of the training loop).

    The loss is `|x - y| + kl_weight * KL(q(z|x) || N(0, I)) + spectral_weight * S(x, y)`, means
    over pixels and latent values (Rombach et al. 2022 without the adversary), plus
    `gradient_weight * |grad x - grad y|`, which asks for fine detail where it belongs. S compares
    amplitude spectra of overlapping 16-pixel windows and so asks for fine texture without asking
    where each grain lies.

    Args:
        recipe: The run.
        images: Its images.
        device: Where to compute.
    """

    name = "codec"

    def __init__(self, recipe: Recipe, images: TrainingImages, device: torch.device) -> None:
        settings = recipe.codec
        torch.manual_seed(recipe.seed)
        vae = build_autoencoder(
            image_size=recipe.data.image_size,
            latent_channels=settings.latent_channels,
            block_out_channels=settings.block_out_channels,
            layers_per_block=settings.layers_per_block,
        )
        self.vae: AutoencoderKL = vae.to(device)
        self.modules: dict[str, nn.Module] = {"vae": self.vae}
        self.helpers: dict[str, nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "vae": torch.optim.AdamW(
                [{"params": list(vae.parameters()), "initial_lr": settings.learning_rate}],
                lr=settings.learning_rate,
                betas=(0.9, 0.99),
                weight_decay=1e-4,
            )
        }
        self.settings, self.images, self.device, self.dtype = settings, images, device, recipe.dtype
        self.train = images.indices("train")
        self.types = [images.rows[i].image_type for i in self.train]
        self.operations = {t: operations_of(t, recipe.data.augment) for t in set(self.types)}
        keys = balance_keys(recipe, [images.rows[i] for i in self.train])
        self.batches = BalancedBatches(keys, settings.batch_size, recipe.data.balance, recipe.seed)

    def step(self, step: int) -> dict[str, float]:
        """One step on a batch that is a function of (seed, step)."""
        rows_B, generator = self.batches.draw(step)
        x_BCHW = self.images.tensor(self.train[rows_B.numpy()])
        x_BCHW = torch.stack(
            [
                augment(x, self.operations[self.types[i]], generator)
                for x, i in zip(x_BCHW, rows_B.tolist(), strict=True)
            ]
        )
        if self.settings.crop and step < self.settings.crop_steps:
            x_BCHW = random_crops(x_BCHW, self.settings.crop, generator)
        vae, optimiser, mine = self.vae, self.optimisers["vae"], share(len(rows_B))
        x_BCHW = x_BCHW[mine].to(self.device)
        with autocast(self.device, self.dtype):
            posterior = vae.encode(x_BCHW).latent_dist
            shape = (len(rows_B), *posterior.mean.shape[1:])
            noise = torch.randn(shape, generator=generator)[mine].to(self.device)
            y_BCHW = vae.decode(posterior.mean + posterior.std * noise).sample
        losses = self.losses(
            x_BCHW, y_BCHW.float(), posterior.mean.float(), posterior.logvar.float()
        )
        losses["loss"].backward()
        average_gradients(vae.parameters())
        nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return {key: float(value.detach()) for key, value in losses.items()}

    def losses(self, x: Tensor, y: Tensor, mean: Tensor, logvar: Tensor) -> dict[str, Tensor]:
        """The parts of the loss and their sum; images `(B, 3, S, S)` in [-1, 1]."""
        absolute = (x - y).abs().mean()
        divergence = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
        loss = absolute + self.settings.kl_weight * divergence
        parts = {"absolute": absolute, "divergence": divergence}
        detail = self._detail(x, y)
        return parts | detail | {"loss": loss + self._weighted(detail)}

    def _detail(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The parts of the loss that ask for fine detail, unweighted; only those with a weight."""
        parts = {}
        if self.settings.spectral_weight:
            parts["spectral"] = spectral_distance(x, y)
        if self.settings.gradient_weight:
            parts["gradient"] = gradient_distance(x, y)
        return parts

    def _weighted(self, detail: dict[str, Tensor]) -> Tensor | float:
        weights = {
            "spectral": self.settings.spectral_weight,
            "gradient": self.settings.gradient_weight,
        }
        return sum((weights[name] * part for name, part in detail.items()), 0.0)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Loss and PSNR (in dB, data range 2) on validation rows, by the posterior's mode."""
        codec = AutoencoderCodec(self.vae)
        losses, squares = [], []
        for indices in _chunks(_spread(self.images.indices("val"), 512), 64):
            x_BCHW = self.images.tensor(indices).to(self.device)
            y_BCHW = codec.decode(codec.encode(x_BCHW))
            loss = (x_BCHW - y_BCHW).abs().mean()
            loss = loss + self._weighted(self._detail(x_BCHW, y_BCHW))
            losses += [float(loss)] * len(indices)
            squares += ((x_BCHW - y_BCHW) ** 2).mean(dim=(1, 2, 3)).tolist()
        psnr = 10 * np.log10(4 / np.maximum(squares, 1e-12))
        return {"loss": float(np.mean(losses)), "psnr": float(np.mean(psnr))}

    @torch.no_grad()
    def watch(self, step: int, log: Any) -> str | None:
        """Write a picture: validation images above their reconstructions."""
        codec = AutoencoderCodec(self.vae)
        x_BCHW = self.images.tensor(_spread(self.images.indices("val"), 16))
        pair = torch.cat([x_BCHW, codec.decode(codec.encode(x_BCHW.to(self.device))).cpu()])
        log.add_image("codec/source above reconstruction", image_grid(pair, 16), step)
        return None


def random_crops(x_BCHW: Tensor, side: int, draw: torch.Generator) -> Tensor:
    """One crop `(B, C, side, side)` of each image, at a multiple of 4 pixels from the corner."""
    places = (x_BCHW.shape[-1] - side) // 4 + 1
    corners = 4 * torch.randint(places, (len(x_BCHW), 2), generator=draw)
    return torch.stack(
        [
            x[:, y : y + side, z : z + side]
            for x, (y, z) in zip(x_BCHW, corners.tolist(), strict=True)
        ]
    )


def spectral_distance(x_BCHW: Tensor, y_BCHW: Tensor) -> Tensor:
    """Mean absolute difference of the amplitude spectra of overlapping windows (orthonormal)."""
    return (_amplitudes(x_BCHW) - _amplitudes(y_BCHW)).abs().mean()


def gradient_distance(x_BCHW: Tensor, y_BCHW: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels' steps, down plus across."""
    error = x_BCHW - y_BCHW
    down, across = error.diff(dim=-2).abs().mean(), error.diff(dim=-1).abs().mean()
    return down + across


def _amplitudes(x_BCHW: Tensor) -> Tensor:
    window, half = SPECTRAL_WINDOW, SPECTRAL_WINDOW // 2
    patches = x_BCHW.float().unfold(2, window, half).unfold(3, window, half)
    return torch.fft.rfft2(patches, norm="ortho").abs()


def _spread(indices: Any, most: int) -> Any:
    """At most `most` of the indices, evenly spread over the list."""
    if len(indices) <= most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).round().astype(int)]


def _chunks(indices: Any, size: int) -> list[Any]:
    """The indices, `size` at a time."""
    return [indices[i : i + size] for i in range(0, len(indices), size)]
