"""``hf:FOLDER``: a transformers image model from a local folder, with a new head, fine-tuned."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from synthmed.errors import SynthmedError
from synthmed.measures.classifiers.registry import ImageClassifier
from synthmed.measures.classifiers.resnet import Logits


def pretrained(argument: str, classes: int) -> ImageClassifier:
    """Open a folder as `AutoModelForImageClassification`; its head is new where sizes differ.

    Only safetensors are read, and nothing is fetched. Images are resized and normalised as the
    folder's ``preprocessor_config.json`` says.

    Args:
        argument: The folder.
        classes: Number of classes.

    Raises:
        SynthmedError: No such folder, no such model in it, or no usable preprocessing.
    """
    folder = Path(argument)
    if not argument or not (folder / "config.json").is_file():
        raise SynthmedError(
            "no transformers model here", where=argument or "hf:", mend="Write hf:FOLDER."
        )
    prepare, words = _preparation(folder)
    from transformers import AutoModelForImageClassification

    try:
        network = AutoModelForImageClassification.from_pretrained(
            folder,
            num_labels=classes,
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            local_files_only=True,
        )
    except (OSError, ValueError) as error:
        raise SynthmedError(
            f"the model cannot be opened as a classifier: {str(error).splitlines()[0]}",
            where=folder,
            mend="Give an image model in safetensors.",
        ) from error
    spec = f"hf:{folder.resolve().name}"
    return ImageClassifier(spec, Logits(network), prepare, words, learning_rate=1e-4)


def _preparation(folder: Path) -> tuple[Callable[[Tensor], Tensor], str]:
    """Read side, mean and standard deviation; channels are in 0 to 1 there."""
    try:
        config: dict[str, Any] = json.loads(
            (folder / "preprocessor_config.json").read_text(encoding="utf-8")
        )
        side = _side(config["size"])
        mean, std = (torch.tensor(config[key]).float() for key in ("image_mean", "image_std"))
        if mean.shape != (3,) or std.shape != (3,) or bool((std <= 0).any()):
            raise ValueError("mean and standard deviation of three channels are needed")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SynthmedError(
            "the model's preprocessing cannot be read",
            where=folder / "preprocessor_config.json",
            mend="It needs size, image_mean and image_std.",
        ) from error

    def prepare(x_BCHW: Tensor) -> Tensor:
        unit = (x_BCHW + 1) / 2
        if unit.shape[-2:] != (side, side):
            unit = F.interpolate(unit, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        where = unit.device
        return (unit - mean.to(where)[:, None, None]) / std.to(where)[:, None, None]

    return prepare, f"{side} × {side} bicubic, normalised as in the model's folder"


def _side(size: Any) -> int:
    """The side of the square images that a model reads."""
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge")
    side = int(size)
    if side < 8:
        raise ValueError("no such side")
    return side
