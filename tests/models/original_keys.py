"""Write a diffusers pipeline as the kind of file that Stable Diffusion was published in.

The names are those of the original implementation (CompVis latent-diffusion):
`model.diffusion_model` for the UNet, `first_stage_model` for the autoencoder, `cond_stage_model`
for the text model.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def write_single_file(pipeline: Any, file: Path) -> Path:
    """Write the networks of a pipeline into one checkpoint with the original names."""
    tensors: dict[str, Tensor] = {}
    depth = pipeline.unet.config.layers_per_block
    for name, weight in pipeline.unet.state_dict().items():
        tensors[f"model.diffusion_model.{_unet(name, depth)}"] = weight.contiguous()
    levels = len(pipeline.vae.config.block_out_channels)
    for name, weight in pipeline.vae.state_dict().items():
        is_matrix = ".attentions." in name and weight.ndim == 2  # once a 1 x 1 convolution
        weight = weight[:, :, None, None] if is_matrix else weight
        tensors[f"first_stage_model.{_vae(name, levels)}"] = weight.contiguous()
    for name, weight in pipeline.text_encoder.state_dict().items():
        tensors[f"cond_stage_model.transformer.text_model.{name}"] = weight.contiguous()
    save_file(tensors, file)
    return file


def _replace(name: str, table: dict[str, str]) -> str:
    for new, old in table.items():
        name = re.sub(rf"(^|\.){re.escape(new)}(?=\.|$)", rf"\g<1>{old}", name)
    return name


def _unet(name: str, depth: int) -> str:
    if ".resnets." in name:
        name = _replace(name, _RESNET)
    if match := re.match(r"down_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", name):
        block, part, layer, rest = match.groups()
        number = 1 + int(block) * (depth + 1) + int(layer)
        return f"input_blocks.{number}.{int(part == 'attentions')}.{rest}"
    if match := re.match(r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(.*)", name):
        return f"input_blocks.{(int(match[1]) + 1) * (depth + 1)}.0.op.{match[2]}"
    if match := re.match(r"up_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", name):
        block, part, layer, rest = match.groups()
        number = int(block) * (depth + 1) + int(layer)
        return f"output_blocks.{number}.{int(part == 'attentions')}.{rest}"
    if match := re.match(r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.(.*)", name):
        number = int(match[1]) * (depth + 1) + depth
        place = 1 if int(match[1]) == 0 else 2  # the first level from below has no attention
        return f"output_blocks.{number}.{place}.conv.{match[2]}"
    if match := re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name):
        number = 1 if match[1] == "attentions" else 2 * int(match[2])
        return f"middle_block.{number}.{match[3]}"
    return _replace(name, _UNET_ENDS)


def _vae(name: str, levels: int) -> str:
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    if ".attentions." in name:
        name = _replace(name, _ATTENTION)
    name = re.sub(r"mid_block\.resnets\.(\d+)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = name.replace("mid_block.attentions.0", "mid.attn_1")
    name = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    upwards = {f"up_blocks.{i}.": f"up.{levels - 1 - i}." for i in range(levels)}
    for new, old in upwards.items():
        name = name.replace(new, old)
    return name.replace(".resnets.", ".block.").replace(".upsamplers.0.", ".upsample.")
