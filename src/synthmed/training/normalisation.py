"""Mean and standard deviation of each domain's latents, by which a flow may be trained.

In one dimension the share of a domain's shift that translation from a depth realises depends on the
scale of the latents, `1 - s tau / sqrt((1 - tau)^2 + (s tau)^2)`. With every domain at mean 0 and
standard deviation 1 the shift of the means is carried by the normalisation, and the scale is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.training.latents import LatentCache

_LEAST_STD = 1e-4  # latents are cached in float16
_CHUNK = 256

Statistics = dict[str, dict[str, list[float]]]
"""By domain: `mean` and `std`, one number a channel."""


def domain_statistics(latents: LatentCache, domains: Sequence[str]) -> Statistics:
    """Measure each domain's latents, over its images and all places, augmented versions left out.

    Args:
        latents: Latents of the training rows.
        domains: Domain of each entry.

    Returns:
        What the card records; a latent is normalised as `(z - mean) / std`.

    Raises:
        SynthmedError: A domain with a constant channel.
    """
    found: Statistics = {}
    names = np.asarray(domains)
    for name in sorted(set(domains)):
        entries = np.flatnonzero(names == name)
        mean_C, std_C = _moments(latents, entries)
        if float(std_C.min()) < _LEAST_STD:
            raise SynthmedError(
                f"channel {int(std_C.argmin())} of the latents is constant in the domain {name!r}",
                mend="Look at its images; or set flow.latent_normalisation to none.",
            )
        found[name] = {"mean": mean_C.tolist(), "std": std_C.tolist()}
    return found


def normalised(latents: LatentCache, domains: Sequence[str], statistics: Statistics) -> LatentCache:
    """The same latents, each drawn at mean 0 and standard deviation 1 of its domain.

    Args:
        latents: Latents of training or validation rows.
        domains: Domain of each entry.
        statistics: Of the training rows.
    """
    return LatentCache(
        latents.latents_NVChw,
        latents.rows,
        mean_NC=torch.tensor([statistics[name]["mean"] for name in domains]),
        std_NC=torch.tensor([statistics[name]["std"] for name in domains]),
    )


def _moments(latents: LatentCache, entries: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation `(C,)` of the entries' own latents, in float64."""
    parts = [entries[i : i + _CHUNK] for i in range(0, len(entries), _CHUNK)]
    total = square = torch.zeros(latents.latents_NVChw.shape[2], dtype=torch.float64)
    count = 0
    for part in parts:
        z = torch.from_numpy(latents.latents_NVChw[part, 0].astype(np.float64))
        total = total + z.sum(dim=(0, 2, 3))
        square = square + (z**2).sum(dim=(0, 2, 3))
        count += z.numel() // z.shape[1]
    mean = total / count
    return mean, (square / count - mean**2).clamp_min(0).sqrt()
