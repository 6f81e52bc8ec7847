"""The velocity network is built as asked."""

from __future__ import annotations

import pytest
import torch

from synthmed.models.denoiser import build_unet


@pytest.mark.parametrize("attention", [(False, True, True), (True, False, False)])
def test_levels_attention_and_shapes(attention: tuple[bool, ...]) -> None:
    unet = build_unet(
        sample_size=8,
        latent_channels=5,
        condition_width=24,
        block_out_channels=(16, 32, 48),
        attention=attention,
        layers_per_block=1,
        heads=4,
    )
    attends = [hasattr(block, "attentions") for block in unet.down_blocks]
    assert attends == list(attention)
    assert [hasattr(block, "attentions") for block in unet.up_blocks] == attends[::-1]
    heads = {
        module.heads for name, module in unet.named_modules() if name.endswith(("attn1", "attn2"))
    }
    assert heads == {4}
    with torch.no_grad():
        output = unet(
            torch.zeros(2, 5, 8, 8),
            torch.tensor([1000.0, 0.5]),
            encoder_hidden_states=torch.zeros(2, 3, 24),
        ).sample
    assert output.shape == (2, 5, 8, 8)
