"""``small-cnn``: a small network for several labels at once; judge, gate and feature extractor.

A judge must not have seen the patients that it judges: the hashes of its training groups travel
with it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.arrays import Array, as_unit_images, box_resize

FORMAT = 1
SIZE = 64
WIDTH = 128


class SmallCNN(nn.Module):
    """Three stages at 32, 16 and 8 px, then global average pooling; 0.43 M parameters.

    Group norm (8 groups) keeps no running statistics, so the features of an image depend
    neither on the other images of its batch nor on training mode.

    Args:
        classes: Number of classes of each task.
    """

    def __init__(self, classes: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, padding=1)
        self.stages = nn.Sequential(_stage(24, 48), _stage(48, 96), _stage(96, WIDTH))
        self.heads = nn.ModuleList(nn.Linear(WIDTH, k) for k in classes)

    def features(self, x_BCHW: Tensor) -> Tensor:
        """Images (B, 3, 64, 64) in [-1, 1] -> features (B, 128)."""
        return self.stages(self.stem(x_BCHW)).mean(dim=(2, 3))

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        """Images (B, 3, 64, 64) in [-1, 1] -> logits (B, classes) of each task."""
        features = F.dropout(self.features(x_BCHW), 0.2, self.training)
        return [head(features) for head in self.heads]


@dataclass(frozen=True)
class Classifier:
    """A trained classifier.

    Attributes:
        network: The trunk and its heads, in evaluation mode.
        classes: Names of the classes of each task, in the order of the heads.
        groups: Hashes of the groups (patients) that it was trained on, sorted.
        training: How it was trained: epochs, batch size, learning rate, seed, images.
    """

    network: SmallCNN
    classes: Mapping[str, tuple[str, ...]]
    groups: tuple[str, ...]
    training: Mapping[str, float] = field(default_factory=dict)

    preprocessing = "64 × 64 by area, grey repeated to three channels"

    @property
    def id(self) -> str:
        """Name, version and the first 12 digits of the weights' hash."""
        return f"small-cnn/1:{weights_hash(self.network)[:12]}"

    def predict(self, images: Any) -> dict[str, Array]:
        """Probabilities of the classes of each task.

        Args:
            images: (N, 1 or 3, H, W) floats in [-1, 1].

        Returns:
            (N, classes) for each task; each row sums to 1. Trained with balanced classes, they
            are not calibrated to any real frequency.

        Raises:
            SynthmedError: Integers, another shape, or values outside [-1, 1].
        """
        features = torch.from_numpy(self.features(images)).float()
        with torch.inference_mode():
            return {
                name: head(features).double().softmax(dim=1).numpy()
                for name, head in zip(self.classes, self.network.heads, strict=True)
            }

    def features(self, images: Any) -> Array:
        """The trunk's features, for distances between sets of images.

        Args:
            images: (N, 1 or 3, H, W) floats in [-1, 1].

        Returns:
            (N, 128) float64.

        Raises:
            SynthmedError: Integers, another shape, or values outside [-1, 1].
        """
        with torch.inference_mode():
            parts = [self.network.features(part) for part in prepare(images).split(128)]
            return torch.cat(parts).double().numpy()

    __call__ = features

    def save(self, folder: str | Path) -> None:
        """Writes ``model.safetensors`` and ``classifier.json`` into a folder, the latter last."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        card = {
            "format": FORMAT,
            "network": "small-cnn/1",
            "weights_sha256": weights_hash(self.network),
            "classes": {name: list(names) for name, names in self.classes.items()},
            "groups": list(self.groups),
            "training": dict(self.training),
        }
        weights, text = folder / "model.safetensors.part", folder / "classifier.json.part"
        save_file(self.network.state_dict(), weights)
        text.write_text(json.dumps(card, indent=1), encoding="utf-8")
        os.replace(weights, folder / "model.safetensors")
        os.replace(text, folder / "classifier.json")

    @classmethod
    def load(cls, folder: str | Path) -> Classifier:
        """Opens a saved classifier.

        Args:
            folder: A folder written by ``save``.

        Returns:
            The classifier, with the same predictions.

        Raises:
            SynthmedError: No classifier there, or one of an unknown format.
            SafetyError: Weights that are not those the card names.
        """
        folder = Path(folder)
        try:
            card = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
            state = load_file(folder / "model.safetensors")
        except (OSError, ValueError, SafetensorError) as error:
            raise SynthmedError("no readable classifier", where=folder) from error
        if card.get("format") != FORMAT:
            raise SynthmedError(
                f"classifier of format {card.get('format')}, not {FORMAT}", where=folder
            )
        classes = {name: tuple(names) for name, names in card["classes"].items()}
        network = SmallCNN([len(names) for names in classes.values()])
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise SynthmedError("weights do not fit the classifier's card", where=folder) from error
        if weights_hash(network) != card["weights_sha256"]:
            raise SafetyError("weights are not those that the card names", where=folder)
        return cls(network.eval(), classes, tuple(card["groups"]), card["training"])


def prepare(images: Any) -> Tensor:
    """Images (N, 1 or 3, H, W), floats in [-1, 1] -> (N, 3, 64, 64) float32, shrunk by area."""
    parts = []
    for start in range(0, max(1, len(images)), 256):
        checked = as_unit_images(images[start : start + 256])
        small = checked if checked.shape[2:] == (SIZE, SIZE) else box_resize(checked, SIZE)
        parts.append(torch.from_numpy(np.repeat(small, 3 // small.shape[1], axis=1)).float())
    return torch.cat(parts)


def weights_hash(network: nn.Module) -> str:
    """SHA-256 over names, shapes and values of all weights, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _stage(before: int, after: int) -> nn.Sequential:
    """Halves height and width; two 3 × 3 convolutions."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=2, padding=1),
        nn.GroupNorm(8, after),
        nn.SiLU(),
        nn.Conv2d(after, after, 3, padding=1),
        nn.GroupNorm(8, after),
        nn.SiLU(),
    )
