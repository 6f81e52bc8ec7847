"""Denoiser: diffusers' UNet2DConditionModel as the velocity network."""

from __future__ import annotations

from collections.abc import Sequence

from diffusers import UNet2DConditionModel


def build_unet(
    *,
    sample_size: int,
    latent_channels: int,
    condition_width: int,
    block_out_channels: Sequence[int],
    attention: Sequence[bool],
    layers_per_block: int,
    heads: int,
) -> UNet2DConditionModel:
    """Make an untrained velocity network; it is called with timestep `1000 (1 - t)`.

    Args:
        sample_size: Side of the latents.
        latent_channels: Their channels.
        condition_width: Width of the condition's tokens.
        block_out_channels: Width at each resolution, multiples of 16.
        attention: Which resolutions attend to the condition, as long as `block_out_channels`.
        layers_per_block: Residual blocks at each resolution.
        heads: Attention heads.
    """
    down = ["CrossAttnDownBlock2D" if attends else "DownBlock2D" for attends in attention]
    up = ["CrossAttnUpBlock2D" if attends else "UpBlock2D" for attends in reversed(attention)]
    return UNet2DConditionModel(
        sample_size=sample_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=down,
        up_block_types=up,
        block_out_channels=list(block_out_channels),
        layers_per_block=layers_per_block,
        cross_attention_dim=condition_width,
        attention_head_dim=heads,  # in this class the number of heads, not their width
        norm_num_groups=16,
    )
