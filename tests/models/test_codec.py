"""The codec: mode, scaling, grey and colour, and the folding of the latents' mean and scale."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from diffusers import AutoencoderKL
from tiny_models import some_images, tiny_vae

from synthmed.errors import SynthmedError
from synthmed.models.codec import (
    AutoencoderCodec,
    IdentityCodec,
    as_colour,
    as_grey,
    fold_normalisation,
)


@torch.no_grad()
def test_encoding_takes_the_mode_and_draws_nothing() -> None:
    vae, images = tiny_vae(), some_images()
    state = torch.random.get_rng_state()
    z = AutoencoderCodec(vae).encode(images)
    assert torch.equal(z, AutoencoderCodec(vae).encode(images))
    assert torch.equal(torch.random.get_rng_state(), state)
    posterior = vae.encode(images).latent_dist
    assert torch.equal(z, posterior.mode())
    assert not torch.allclose(z, posterior.sample(), atol=1e-2)
    assert z.shape == (4, 4, 8, 8)


@torch.no_grad()
def test_the_scaling_factor_is_applied_once_each_way() -> None:
    vae, images = tiny_vae(), some_images()
    plain = AutoencoderCodec(vae)
    z = plain.encode(images)
    vae.register_to_config(scaling_factor=0.25)
    scaled = AutoencoderCodec(vae)
    torch.testing.assert_close(scaled.encode(images), 0.25 * z)
    torch.testing.assert_close(scaled.decode(0.25 * z), plain.decode(z))


@torch.no_grad()
def test_grey_images_are_repeated_and_averaged() -> None:
    codec, grey = AutoencoderCodec(tiny_vae()), some_images(channels=1)
    colour = as_colour(grey)
    assert colour.shape == (4, 3, 16, 16)
    assert all(torch.equal(colour[:, c], grey[:, 0]) for c in range(3))
    assert torch.equal(codec.encode(grey), codec.encode(colour))
    decoded = codec.decode(codec.encode(grey))
    assert decoded.shape == (4, 3, 16, 16)
    assert torch.equal(as_grey(decoded), decoded.mean(dim=1, keepdim=True))
    assert torch.equal(as_colour(decoded), decoded)


@pytest.mark.parametrize("codec", [IdentityCodec(), AutoencoderCodec(tiny_vae())])
def test_two_channels_are_refused(codec: IdentityCodec | AutoencoderCodec) -> None:
    with pytest.raises(SynthmedError, match="images have 2 channels"):
        codec.encode(torch.zeros(1, 2, 16, 16))


def test_the_identity_codec_keeps_pixels() -> None:
    codec, images = IdentityCodec(), some_images()
    assert torch.equal(codec.decode(codec.encode(images)), images)
    assert codec.encode(some_images(channels=1)).shape == (4, 3, 16, 16)
    assert (codec.factor, codec.latent_channels) == (1, 3)


@torch.no_grad()
def test_images_of_a_half_precision_codec_are_float32_and_not_clipped() -> None:
    codec = AutoencoderCodec(tiny_vae().bfloat16())
    decoded = codec.decode(10 * codec.encode(some_images()).float())
    assert decoded.dtype == torch.float32
    assert decoded.abs().max() > 1


def channel_statistics(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return z.mean(dim=(0, 2, 3)), z.std(dim=(0, 2, 3), correction=0)


@torch.no_grad()
def test_folding_gives_mean_0_and_deviation_1_and_changes_no_image() -> None:
    vae, images = tiny_vae(), some_images(16)
    vae.quant_conv.bias += torch.arange(8.0)  # means and log-variances far from 0
    vae.quant_conv.weight[1] *= 30
    codec = AutoencoderCodec(vae)
    before = vae.encode(images).latent_dist
    mean, std = channel_statistics(before.mode())
    assert mean.abs().max() > 1
    assert std.max() > 5 * std.min()
    decoded = codec.decode(codec.encode(images))
    fold_normalisation(vae, mean, std)
    after = vae.encode(images).latent_dist
    new_mean, new_std = channel_statistics(after.mode())
    torch.testing.assert_close(new_mean, torch.zeros(4), atol=2e-5, rtol=0)
    torch.testing.assert_close(new_std, torch.ones(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(codec.decode(codec.encode(images)), decoded, atol=5e-5, rtol=0)
    # the posterior is the same distribution in the new units
    expected = before.std / std[None, :, None, None]
    torch.testing.assert_close(after.std, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (torch.zeros(4), torch.tensor([1.0, 1.0, 0.0, 1.0]), "a latent channel is constant"),
        (torch.zeros(4), torch.tensor([1.0, 1.0, torch.nan, 1.0]), "a latent channel is constant"),
        (torch.zeros(3), torch.ones(3), "3 means and 3 deviations. Give 4"),
    ],
)
def test_bad_statistics_are_refused_and_change_nothing(
    mean: torch.Tensor, std: torch.Tensor, message: str
) -> None:
    vae = tiny_vae()
    weights = {name: value.clone() for name, value in vae.state_dict().items()}
    with pytest.raises(SynthmedError, match=message):
        fold_normalisation(vae, mean, std)
    assert all(torch.equal(value, weights[name]) for name, value in vae.state_dict().items())


def test_a_codec_without_the_convolutions_cannot_be_folded() -> None:
    vae = AutoencoderKL(
        block_out_channels=(8,), norm_num_groups=8, use_quant_conv=False, use_post_quant_conv=False
    )
    with pytest.raises(SynthmedError, match="no quant_conv"):
        fold_normalisation(vae, torch.zeros(4), torch.ones(4))


def test_an_autoencoder_halves_the_side_once_less_than_it_has_levels() -> None:
    from synthmed.models.codec import build_autoencoder

    sides = [
        AutoencoderCodec(
            build_autoencoder(
                image_size=32,
                latent_channels=4,
                block_out_channels=(8,) * levels,
                layers_per_block=1,
            )
        )
        .encode(torch.zeros(1, 3, 32, 32))
        .shape[-1]
        for levels in (1, 2, 3)
    ]
    assert sides[0] == 32
    assert all(after == before // 2 for before, after in pairwise(sides))
