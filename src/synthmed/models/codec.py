"""Codec: images to latents and back, by an autoencoder or by nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from synthmed.errors import SynthmedError


class Codec(Protocol):
    """What a Generator needs of a codec.

    Attributes:
        latent_channels: Channels of a latent.
        factor: Side of an image divided by the side of its latent.
    """

    latent_channels: int
    factor: int

    def encode(self, x_BCHW: Tensor) -> Tensor:
        """Images `(B, 1 or 3, H, W)` in [-1, 1] to latents `(B, C, H/factor, W/factor)`."""

    def decode(self, z_BCHW: Tensor) -> Tensor:
        """Latents to images `(B, 3, H, W)`, nominally in [-1, 1], not clipped."""


def as_colour(x_BCHW: Tensor) -> Tensor:
    """Repeat a grey channel three times; colour images pass unchanged.

    Raises:
        SynthmedError: Neither 1 nor 3 channels.
    """
    channels = x_BCHW.shape[1]
    if channels not in (1, 3):
        raise SynthmedError(f"images have {channels} channels", mend="Use 1 (grey) or 3 (colour).")
    return x_BCHW.expand(-1, 3, -1, -1) if channels == 1 else x_BCHW


def as_grey(x_BCHW: Tensor) -> Tensor:
    """Average the channels of decoded grey images: `(B, 3, H, W)` to `(B, 1, H, W)`."""
    return x_BCHW.mean(dim=1, keepdim=True)


class IdentityCodec:
    """Pixels are the latents: for models that work in image space."""

    latent_channels = 3
    factor = 1

    def encode(self, x_BCHW: Tensor) -> Tensor:
        """Images `(B, 1 or 3, H, W)` in [-1, 1], grey repeated to 3 channels."""
        return as_colour(x_BCHW)

    def decode(self, z_BCHW: Tensor) -> Tensor:
        """The same tensor."""
        return z_BCHW


class AutoencoderCodec:
    """A diffusers `AutoencoderKL`, encoded by the mode of its posterior, never by a sample.

    Args:
        vae: The autoencoder. Its `scaling_factor` is applied exactly once each way; like
            `StableDiffusionPipeline`, the codec knows no `shift_factor`.
    """

    def __init__(self, vae: AutoencoderKL) -> None:
        self.vae = vae
        self.latent_channels = int(vae.config.latent_channels)
        self.factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.scale = float(vae.config.scaling_factor)

    def encode(self, x_BCHW: Tensor) -> Tensor:
        """Images `(B, 1 or 3, H, W)` in [-1, 1] to scaled latents (posterior mode)."""
        x_BCHW = as_colour(x_BCHW).to(self.vae.device, self.vae.dtype)
        return self.vae.encode(x_BCHW).latent_dist.mode() * self.scale

    def decode(self, z_BCHW: Tensor) -> Tensor:
        """Scaled latents to images `(B, 3, H, W)`, float32, not clipped."""
        z_BCHW = z_BCHW.to(self.vae.device, self.vae.dtype)
        return self.vae.decode(z_BCHW / self.scale).sample.float()


def build_autoencoder(
    *,
    image_size: int,
    latent_channels: int,
    block_out_channels: Sequence[int],
    layers_per_block: int,
) -> AutoencoderKL:
    """Make an untrained autoencoder; it halves the side `len(block_out_channels) - 1` times.

    The last convolution of every residual block starts at zero, so that the blocks begin as the
    identity.

    Args:
        image_size: Side of the images, in pixels.
        latent_channels: Channels of a latent.
        block_out_channels: Width at each resolution, multiples of 8.
        layers_per_block: Residual blocks at each resolution.
    """
    levels = len(block_out_channels)
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=latent_channels,
        down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels,
        block_out_channels=list(block_out_channels),
        layers_per_block=layers_per_block,
        norm_num_groups=8,
        sample_size=image_size,
        scaling_factor=1.0,
        mid_block_add_attention=False,
        force_upcast=False,
    )
    for name, module in vae.named_modules():
        if isinstance(module, nn.Conv2d) and name.endswith("conv2"):
            nn.init.zeros_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return vae


@torch.no_grad()
def fold_normalisation(vae: AutoencoderKL, mean_C: Tensor, std_C: Tensor) -> None:
    """Fold a per-channel mean and scale of the latents into the 1x1 convolutions, in place.

    Afterwards the posterior's mode `m` has become `(m - mean) / std`, and decoding undoes it;
    both are exact because `quant_conv` and `post_quant_conv` are linear and act last and first.

    Args:
        vae: An autoencoder with `quant_conv` and `post_quant_conv`.
        mean_C: Mean of each latent channel, before `scaling_factor`.
        std_C: Standard deviation of each latent channel, above 0.

    Raises:
        SynthmedError: A standard deviation that is not positive, a number of channels that is not
            the latents', or convolutions missing.
    """
    quant, post = vae.quant_conv, vae.post_quant_conv
    if not isinstance(quant, nn.Conv2d) or not isinstance(post, nn.Conv2d):
        raise SynthmedError("the autoencoder has no quant_conv and post_quant_conv to fold into")
    if not mean_C.shape == std_C.shape == (vae.config.latent_channels,):
        raise SynthmedError(
            f"{mean_C.numel()} means and {std_C.numel()} deviations",
            mend=f"Give {vae.config.latent_channels}, one a latent channel.",
        )
    if not bool((std_C > 0).all()):
        raise SynthmedError("a latent channel is constant", mend="Train the codec for longer.")
    channels = mean_C.numel()
    mean_C, std_C = mean_C.to(quant.weight), std_C.to(quant.weight)
    assert quant.bias is not None
    assert post.bias is not None
    quant.weight[:channels] /= std_C[:, None, None, None]
    quant.bias[:channels] = (quant.bias[:channels] - mean_C) / std_C
    quant.bias[channels:] -= 2 * std_C.log()  # the posterior's log-variance scales too
    post.bias += (post.weight[:, :, 0, 0] * mean_C[None]).sum(dim=1)
    post.weight *= std_C[None, :, None, None]
