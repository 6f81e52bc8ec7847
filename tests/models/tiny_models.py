"""Tiny random models whose outputs depend visibly on time and condition, in milliseconds."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from synthmed.models.codec import AutoencoderCodec, build_autoencoder
from synthmed.models.conditioners import LabelConditioner, TextConditioner
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.transport.paths import LinearPath

WIDTH, LENGTH, SIZE = 32, 24, 16
START, END = "<|startoftext|>", "<|endoftext|>"
LABELS = ["benign", "malignant", "naevus"]
PROMPTS = ["chest X-ray", "brain MRI, T2", "a naevus", "normal"]
CARD: dict[str, Any] = {
    "name": "tiny",
    "types": [
        {"name": "chest X-ray", "grey": True, "words": ["chest", "ray", "x"]},
        {"name": "dermatoscopy", "grey": False, "words": ["dermatoscopy", "naevus"]},
    ],
    "known_words": ["chest", "x", "ray", "dermatoscopy", "naevus", "café"],
}


def tiny_vae(seed: int = 0) -> AutoencoderKL:
    """16 px images to 4 x 8 x 8 latents; decoded values reach beyond [-1, 1]."""
    torch.manual_seed(seed)
    vae = build_autoencoder(
        image_size=SIZE, latent_channels=4, block_out_channels=(16, 16), layers_per_block=1
    )
    return amplify_vae(vae)


@torch.no_grad()
def amplify_vae(vae: AutoencoderKL) -> AutoencoderKL:
    """Make the images of an untrained autoencoder span the range of values."""
    vae.decoder.conv_out.weight.mul_(2.5)
    vae.encoder.conv_out.weight.mul_(2.5)
    return vae.eval()


def tiny_unet(latent_channels: int = 4, sample_size: int = 8, seed: int = 1) -> Any:
    torch.manual_seed(seed)
    unet = build_unet(
        sample_size=sample_size,
        latent_channels=latent_channels,
        condition_width=WIDTH,
        block_out_channels=(32, 32),
        attention=(True, False),
        layers_per_block=1,
        heads=2,
    )
    return amplify_unet(unet)


@torch.no_grad()
def amplify_unet(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Make an untrained network listen to time and condition."""
    for name, weight in unet.named_parameters():
        if "attn2.to_out" in name or "time_emb_proj" in name:
            weight.mul_(6)
    return unet.eval()


def tiny_tokenizer() -> CLIPTokenizer:
    """Every letter is a token."""
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=LENGTH)


def tiny_text(seed: int = 2) -> TextConditioner:
    tokenizer = tiny_tokenizer()
    torch.manual_seed(seed)
    model = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    return TextConditioner(tokenizer, model.eval())


def tiny_labels(seed: int = 3) -> LabelConditioner:
    torch.manual_seed(seed)
    return LabelConditioner(LABELS, WIDTH)


def text_generator(**changes: Any) -> Generator:
    """A text Generator on the linear path; `changes` replace its parts."""
    parts: dict[str, Any] = {
        "codec": AutoencoderCodec(tiny_vae()),
        "conditioners": {"text": tiny_text()},
        "unet": tiny_unet(),
        "path": LinearPath(),
        "image_size": SIZE,
        "card": dict(CARD),
    }
    return Generator(**(parts | changes))


def vae_of(generator: Generator) -> AutoencoderKL:
    assert isinstance(generator.codec, AutoencoderCodec)
    return generator.codec.vae


def some_images(count: int = 4, channels: int = 3, seed: int = 5) -> Tensor:
    """Smooth random images `(count, channels, 16, 16)` in [-1, 1]."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, channels, 4, 4, generator=draw)
    return torch.nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bicubic").clamp(-1, 1)


def grey_levels(images: Tensor) -> Tensor:
    """Images in [-1, 1] to the levels 0 to 255 that are stored."""
    return ((images.double() + 1) * 127.5).round()


def largest_difference(one: Tensor, other: Tensor) -> float:
    """In grey levels."""
    return float((grey_levels(one) - grey_levels(other)).abs().max())
