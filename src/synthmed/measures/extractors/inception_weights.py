"""Inception-v3 from a state dict in safetensors, in the names of pytorch-fid and torch-fidelity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.measures.extractors.inception import InceptionFeatures
from synthmed.measures.extractors.inception_network import SIDE, InceptionNetwork

CLASSES = 1008
"""Classes of the FID's Inception; torchvision's own weights have 1000 and are another network."""
_UNUSED = ("fc.weight", "fc.bias")
_RESIZING = f"bilinear to {SIDE} × {SIDE} as in TensorFlow 1, (x - 128) / 128"


def from_weights(content: bytes, where: str) -> InceptionFeatures:
    """Opens a state dict of the FID's Inception-v3.

    The features are the 2048 means of the last block. The classifier's weights (`fc`) may be
    there and are not used.

    Args:
        content: The safetensors file.
        where: What the user named.

    Raises:
        SynthmedError: No safetensors; a missing, unknown or misshapen tensor, which is named; or
            weights of torchvision's Inception.
    """
    try:
        state = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise SynthmedError("this is no safetensors file", where=where) from error
    with torch.device("meta"):  # no weights are drawn
        network = InceptionNetwork()
    own = network.state_dict()
    check_state(state, own, where)
    filled = {name: torch.tensor(0) if _counts(name) else state[name].float() for name in own}
    network.load_state_dict(filled, assign=True)
    network.eval().requires_grad_(False)
    digest = hashlib.sha256(content).hexdigest()
    return InceptionFeatures(network, f"inception-fid/1:{digest[:12]}", _RESIZING)


def check_state(state: Mapping[str, Tensor], own: Mapping[str, Tensor], where: str) -> None:
    """Compare names, shapes and types of a state dict with those of the network.

    Args:
        state: What was read.
        own: The network's own.
        where: What the user named.

    Raises:
        SynthmedError: As `from_weights`.
    """
    needed = [name for name in own if not _counts(name)]
    missing = [name for name in needed if name not in state]
    if missing:
        raise SynthmedError(
            f"the tensor {missing[0]!r} is missing ({len(missing)} of {len(needed)} are)",
            where=where,
            mend="Give the whole state dict of the FID's Inception-v3, in the names of pytorch-fid",
        )
    classes = {tuple(state[name].shape[:1]) for name in _UNUSED if name in state}
    if any(name.startswith("AuxLogits.") for name in state) or classes - {(CLASSES,)}:
        raise SynthmedError(
            "these are weights of torchvision's Inception-v3, which gives other features",
            where=where,
            mend=f"The FID's weights have {CLASSES} classes (inception-2015-12-05).",
        )
    unknown = [n for n in state if n not in own and n not in _UNUSED and not _counts(n)]
    if unknown:
        raise SynthmedError(
            f"the tensor {unknown[0]!r} belongs to no layer of Inception-v3", where=where
        )
    for name in needed:
        if state[name].shape != own[name].shape or not state[name].is_floating_point():
            found = f"{tuple(state[name].shape)} {str(state[name].dtype).removeprefix('torch.')}"
            raise SynthmedError(
                f"the tensor {name!r} is {found}, not {tuple(own[name].shape)} floats", where=where
            )


def _counts(name: str) -> bool:
    """Whether it is a batch norm's counter, which has no effect."""
    return name.endswith(".num_batches_tracked")
