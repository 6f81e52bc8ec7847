"""``small-cnn``: the network of the project's own judges, with one head."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from synthmed.errors import SynthmedError
from synthmed.measures.classifiers.registry import ImageClassifier, resized
from synthmed.measures.small_cnn import SIZE, SmallCNN


def small_cnn(argument: str, classes: int) -> ImageClassifier:
    """Make the small network.

    Args:
        argument: Side in pixels that images are resized to, a multiple of 8; "" is 64.
        classes: Number of classes.

    Raises:
        SynthmedError: No such side.
    """
    side = int(argument or SIZE) if argument.isdecimal() or not argument else 0
    if side < 16 or side % 8:
        raise SynthmedError(
            f"{argument!r} is no side for small-cnn", mend="Give a multiple of 8 from 16."
        )
    words = f"{side} × {side} by area"
    prepare = partial(resized, side=side)
    return ImageClassifier(
        f"small-cnn:{side}", _OneHead(SmallCNN([classes])), prepare, words, learning_rate=2e-3
    )


class _OneHead(nn.Module):
    """The logits of the first task."""

    def __init__(self, network: SmallCNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Prepared images to logits (B, classes)."""
        logits: Tensor = self.network(x_BCHW)[0]
        return logits
