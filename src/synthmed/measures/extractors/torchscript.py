"""Inception-v3 as a TorchScript file that the user gives; synthmed ships and fetches none.

TorchScript holds a program beside its weights. It is opened only where the user names the file;
take it from a source that you trust. Stored weights alone (safetensors) are not enough here: no
Inception network is part of synthmed.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_unit_images

BATCH = 32


class TorchScriptInception:
    """Features of a TorchScript network for images of 8 bits.

    The network takes (N, 3, H, W) of values 0 to 255, resizes and normalises by itself, and
    gives (N, D); if it has an option ``return_features`` (as the common file of the FID's
    Inception has), that is switched on.

    Attributes:
        id: "inception/1:HASH", the hash being that of the file.
        preprocessing: What is done before the network.
    """

    preprocessing = "8 bits, 0 to 255, grey repeated to three channels; the file resizes"

    def __init__(self, network: Any, digest: str) -> None:
        self.network = network
        self.id = f"inception/1:{digest[:12]}"
        names = [argument.name for argument in network.forward.schema.arguments]
        self.options = {"return_features": True} if "return_features" in names else {}

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
            raise SynthmedError(f"the TorchScript network fails: {first}", where=self.id) from error
        right = isinstance(found, Tensor) and found.ndim == 2 and len(found) == len(x_BCHW)
        if not right or not torch.isfinite(found).all():
            raise SynthmedError(
                "the TorchScript network gives no rows of finite features", where=self.id
            )
        return found.double().numpy()


def open_inception(file: str) -> TorchScriptInception:
    """Opens the TorchScript file of an Inception-v3.

    Args:
        file: The file.

    Returns:
        The extractor.

    Raises:
        SynthmedError: No such file, or no TorchScript.
    """
    path = Path(file)
    if not path.is_file():
        raise SynthmedError(
            "no such file",
            where=f"inception:{file}",
            mend="Give the TorchScript file of an Inception-v3 that you trust",
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            network = torch.jit.load(str(path), map_location="cpu").eval()
        except (RuntimeError, ValueError, EOFError) as error:
            raise SynthmedError(
                "this is no TorchScript file",
                where=f"inception:{file}",
                mend="Weights alone (safetensors, .pth) hold no network; save it by torch.jit",
            ) from error
    return TorchScriptInception(network, digest)
