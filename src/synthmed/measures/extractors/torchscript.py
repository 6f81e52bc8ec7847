"""Inception-v3 as a TorchScript file that the user gives.

TorchScript holds a program beside its weights. It is opened only where the user names the file;
take it from a source that you trust.
"""

from __future__ import annotations

import hashlib
import io
import warnings

import torch

from synthmed.errors import SynthmedError
from synthmed.measures.extractors.inception import InceptionFeatures


def from_torchscript(content: bytes, where: str) -> InceptionFeatures:
    """Opens the TorchScript file of an Inception-v3.

    If its network has an option ``return_features`` (as the common file of the FID's Inception
    has), that is switched on.

    Args:
        content: The file.
        where: What the user named.

    Raises:
        SynthmedError: It is no TorchScript; pickled weights are none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            network = torch.jit.load(io.BytesIO(content), map_location="cpu").eval()
        except (RuntimeError, ValueError, EOFError) as error:
            raise SynthmedError(
                "this is no TorchScript file",
                where=where,
                mend="Pickled weights (.pth) are not read; convert them to safetensors",
            ) from error
    names = [argument.name for argument in network.forward.schema.arguments]
    options = {"return_features": True} if "return_features" in names else {}
    digest = hashlib.sha256(content).hexdigest()
    return InceptionFeatures(network, f"inception/1:{digest[:12]}", "the file resizes", options)
