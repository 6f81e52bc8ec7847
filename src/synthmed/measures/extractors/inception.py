"""Features of an Inception-v3 that the user gives: ``inception:FILE``, in one of two forms.

``FILE.safetensors`` holds weights alone, for the network of `inception_network`; any other file
is opened as TorchScript. synthmed ships no weights and fetches none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_unit_images

BATCH = 32
EIGHT_BITS = "8 bits, 0 to 255, grey repeated to three channels"


class InceptionFeatures:
    """Features of a network for images of 8 bits.

    Args:
        network: Takes (N, 3, H, W) of values 0 to 255, resizes and normalises by itself, and gives
            (N, D).
        name: Its id, with version and hash.
        resizing: How the network resizes and normalises, in words.
        options: Given to the network beside the images.

    Attributes:
        id: Such as "inception/1:HASH", the hash being that of the file.
        preprocessing: What is done before the network's first layer.
    """

    def __init__(
        self, network: Any, name: str, resizing: str, options: Mapping[str, Any] | None = None
    ) -> None:
        self.network, self.id, self.options = network, name, dict(options or {})
        self.preprocessing = f"{EIGHT_BITS}; {resizing}"

    def __call__(self, images: Any) -> Array:
        """Features of a batch.

        Args:
            images: (N, 1 or 3, H, W) floats in [-1, 1]; rounded to 8 bits, as files are.

        Returns:
            (N, D) float64.

        Raises:
            SynthmedError: Integers, another shape, values outside [-1, 1], or a network that
                does not give one row of finite numbers an image.
        """
        checked = as_unit_images(images)
        parts = []
        for start in range(0, len(checked), BATCH):
            levels = np.rint((np.clip(checked[start : start + BATCH], -1, 1) + 1) * 127.5)
            levels = np.repeat(levels, 3 // levels.shape[1], axis=1)
            parts.append(self._features(torch.from_numpy(levels).float()))
        return np.concatenate(parts)

    def _features(self, x_BCHW: Tensor) -> Array:
        try:
            with torch.inference_mode():
                found = self.network(x_BCHW, **self.options)
        except RuntimeError as error:
            first = str(error).strip().splitlines()[-1][:200]
            raise SynthmedError(f"the Inception network fails: {first}", where=self.id) from error
        right = isinstance(found, Tensor) and found.ndim == 2 and len(found) == len(x_BCHW)
        if not right or not torch.isfinite(found).all():
            raise SynthmedError(
                "the Inception network gives no rows of finite features", where=self.id
            )
        return found.double().numpy()


def open_inception(file: str) -> InceptionFeatures:
    """Opens an Inception-v3: weights (``.safetensors``) or a TorchScript file (any other name).

    Args:
        file: The file.

    Returns:
        The extractor.

    Raises:
        SynthmedError: No such file, weights that are not complete or of another network, or no
            TorchScript.
    """
    path = Path(file)
    if not path.is_file():
        raise SynthmedError(
            "no such file",
            where=f"inception:{file}",
            mend="Give an Inception-v3 that you trust: weights as safetensors, or TorchScript",
        )
    content = path.read_bytes()
    if path.suffix.lower() == ".safetensors":
        from synthmed.measures.extractors.inception_weights import from_weights

        return from_weights(content, f"inception:{file}")
    from synthmed.measures.extractors.torchscript import from_torchscript

    return from_torchscript(content, f"inception:{file}")
