"""``resnet:LAYERS``: transformers' ResNet (He et al. 2016, table 1), from random weights."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from synthmed.errors import SynthmedError
from synthmed.measures.classifiers.registry import ImageClassifier, at_least

LEAST = 32
"""Five halvings leave one pixel."""
_DEPTHS = {
    "18": ("basic", [2, 2, 2, 2]),
    "34": ("basic", [3, 4, 6, 3]),
    "50": ("bottleneck", [3, 4, 6, 3]),
    "101": ("bottleneck", [3, 4, 23, 3]),
}
_WIDTHS = {"basic": [64, 128, 256, 512], "bottleneck": [256, 512, 1024, 2048]}


def resnet(argument: str, classes: int) -> ImageClassifier:
    """Make a ResNet.

    Args:
        argument: Number of layers.
        classes: Number of classes.

    Raises:
        SynthmedError: No such number of layers.
    """
    if argument not in _DEPTHS:
        known = ", ".join(f"resnet:{layers}" for layers in _DEPTHS)
        raise SynthmedError(f"no ResNet of {argument or 'no'} layers", mend=f"Known: {known}.")
    from transformers import ResNetConfig, ResNetForImageClassification

    kind, depths = _DEPTHS[argument]
    config = ResNetConfig(
        layer_type=kind, depths=depths, hidden_sizes=_WIDTHS[kind], num_labels=classes
    )
    network = Logits(ResNetForImageClassification(config))
    words = f"native size, at least {LEAST} × {LEAST}"
    prepare = partial(at_least, side=LEAST)
    return ImageClassifier(f"resnet:{argument}", network, prepare, words, learning_rate=5e-4)


class Logits(nn.Module):
    """The logits of a transformers image classifier."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Prepared images to logits (B, classes)."""
        logits: Tensor = self.network(pixel_values=x_BCHW).logits
        return logits
