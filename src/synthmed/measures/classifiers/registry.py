"""The registry of trainable classifiers: a spec in, a network with its preprocessing out.

Every network takes images of three channels in [-1, 1] and gives one logit a class. Nothing is
downloaded: networks start from random weights, or from a folder on this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import box_resize


@dataclass(frozen=True)
class ImageClassifier:
    """A classifier that can be trained.

    Attributes:
        spec: What it was made from, such as "resnet:18".
        network: Prepared images to logits (B, classes).
        prepare: Images (B, 3, S, S), float32 in [-1, 1], to what the network reads.
        preprocessing: The same in words.
        learning_rate: A peak rate of AdamW that suits it.
    """

    spec: str
    network: nn.Module
    prepare: Callable[[Tensor], Tensor]
    preprocessing: str
    learning_rate: float

    def __call__(self, x_BCHW: Tensor) -> Tensor:
        """Images (B, 3, S, S), float32 in [-1, 1], to logits (B, classes)."""
        logits: Tensor = self.network(self.prepare(x_BCHW))
        return logits


def _small_cnn(argument: str, classes: int) -> ImageClassifier:
    from synthmed.measures.classifiers.small import small_cnn

    return small_cnn(argument, classes)


def _densenet121(argument: str, classes: int) -> ImageClassifier:
    from synthmed.measures.classifiers.densenet import densenet121

    return densenet121(argument, classes)


def _resnet(argument: str, classes: int) -> ImageClassifier:
    from synthmed.measures.classifiers.resnet import resnet

    return resnet(argument, classes)


def _pretrained(argument: str, classes: int) -> ImageClassifier:
    from synthmed.measures.classifiers.pretrained import pretrained

    return pretrained(argument, classes)


CLASSIFIERS: dict[str, tuple[str, Callable[[str, int], ImageClassifier]]] = {
    "small-cnn": ("small-cnn[:SIDE]", _small_cnn),
    "densenet121": ("densenet121", _densenet121),
    "resnet": ("resnet:LAYERS", _resnet),
    "hf": ("hf:FOLDER", _pretrained),
}
"""For each name: how its spec is written, and its factory."""


def make_classifier(spec: str, classes: int, *, seed: int = 0) -> ImageClassifier:
    """Make an untrained classifier, or one whose trunk is trained and whose head is new.

    - ``small-cnn``: 0.4 M parameters, reads 64 pixels; ``small-cnn:32`` reads 32;
    - ``densenet121``: MONAI's, random weights (needs the extra ``monai``);
    - ``resnet:18``, ``resnet:34``, ``resnet:50``: a transformers ResNet, random weights;
    - ``hf:FOLDER``: a transformers image classifier or encoder in safetensors, fine-tuned whole.

    Args:
        spec: One of these.
        classes: Number of classes, at least 2.
        seed: Seeds the random weights; the same seed gives the same network, and torch's own
            generator stays as it was.

    Returns:
        The classifier, on the CPU, in training mode, every parameter trainable.

    Raises:
        SynthmedError: An unknown name, a wrong argument, fewer than two classes, a missing extra,
            or a folder that holds no such model.
    """
    name, _, argument = spec.partition(":")
    if name not in CLASSIFIERS:
        known = ", ".join(form for form, _ in CLASSIFIERS.values())
        raise SynthmedError(f"unknown classifier {name!r}", mend=f"Known: {known}.")
    if classes < 2:
        raise SynthmedError(f"a classifier of {classes} classes tells nothing apart")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = CLASSIFIERS[name][1](argument, classes)
    classifier.network.train().requires_grad_(True)
    return classifier


def resized(x_BCHW: Tensor, side: int) -> Tensor:
    """Resize by area (`box_resize`) unless the images have the side already."""
    if x_BCHW.shape[-2:] == (side, side):
        return x_BCHW
    array = box_resize(x_BCHW.detach().cpu().double().numpy(), side)
    return torch.from_numpy(array).to(x_BCHW.device, torch.float32)


def at_least(x_BCHW: Tensor, side: int) -> Tensor:
    """Enlarge images that are smaller than a network can halve so often; others stay."""
    return resized(x_BCHW, side) if min(x_BCHW.shape[-2:]) < side else x_BCHW
