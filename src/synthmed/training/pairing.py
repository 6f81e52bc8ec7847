"""Optimal-transport pairing of noise and latents within a batch, inside each condition.

Minibatch optimal transport straightens the paths that the network learns (OT-CFM: Tong et al. 2024,
arXiv:2302.00482; multisample flow matching: Pooladian et al. 2023, arXiv:2304.14772). Over a whole
batch it would make the noise depend on the condition, while sampling starts from the same noise for
all conditions (C2OT: Cheng and Schwing 2025, arXiv:2503.10636): so noise is exchanged only between
latents of one key, and given the key it stays standard normal.

The key is the domain and the label, as far as the model is conditioned on them. With a text the
noise is standard normal given the domain, not given the text: two texts of one domain whose latents
differ get noise that differs too, which sampling does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def paired_noise(x_BCHW: Tensor, noise_BCHW: Tensor, keys_B: Tensor) -> Tensor:
    """Permute noise so that the squared distances to the latents have the least sum.

    Exact (Hungarian type, `scipy.optimize.linear_sum_assignment`), for each key by itself. Only the
    noise moves: latents, labels and texts keep their places and cannot be mismatched.

    Args:
        x_BCHW: Latents.
        noise_BCHW: Standard normal noise, of the latents' shape.
        keys_B: Number of each latent's key; noise never moves from one key to another.

    Returns:
        The noise `(B, C, h, w)` in another order.
    """
    x_BD, e_BD = (z.flatten(1).double() for z in (x_BCHW, noise_BCHW))
    order_B = torch.arange(len(keys_B))
    for key in keys_B.unique():
        rows = (keys_B == key).nonzero().flatten()
        # |x - e|^2 less |x|^2 and |e|^2, whose sums no permutation changes.
        cost = -(x_BD[rows] @ e_BD[rows].T)
        _, columns = linear_sum_assignment(cost.numpy())
        order_B[rows] = rows[torch.from_numpy(columns)]
    return noise_BCHW[order_B]


def key_numbers(keys: Sequence[str]) -> Tensor:
    """Numbers `(N,)` of keys, equal for equal keys."""
    known: dict[str, int] = {}
    return torch.tensor([known.setdefault(key, len(known)) for key in keys])
