"""Latents normalised per domain: each domain's own mean and deviation of every channel.

The velocity network then sees latents of mean 0 and deviation 1 whatever the domain; translation
replaces the source's statistics by the target's, as adaptive instance normalisation does for the
features of single images (Huang & Belongie 2017, arXiv:1703.06868, eq. 8). A latent z of domain d
becomes `(z - mean_d) / std_d`. Without statistics every function gives back what it got.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.models.records import Record

Statistics = Mapping[str, Mapping[str, Sequence[float]]]
"""Domain to {"mean": [C numbers], "std": [C numbers]}; {} normalises nothing."""


def normalise(z_BChw: Tensor, records: Sequence[Record], statistics: Statistics) -> Tensor:
    """Latents as the codec gives them to those that the velocity network sees.

    Args:
        z_BChw: Latents `(B, C, h, w)`.
        records: Their conditions, which name the domains.
        statistics: Of the domains.

    Returns:
        Latents of the same shape.

    Raises:
        SynthmedError: A condition without a domain, or with one that has no statistics.
    """
    if not statistics:
        return z_BChw
    mean, std = _of(records, statistics, z_BChw)
    return (z_BChw - mean) / std


def restore(z_BChw: Tensor, records: Sequence[Record], statistics: Statistics) -> Tensor:
    """The inverse of `normalise`: latents for the codec, by the domains that the records name.

    Args:
        z_BChw: Latents `(B, C, h, w)`.
        records: Conditions of the images that they shall become.
        statistics: Of the domains.

    Returns:
        Latents of the same shape.

    Raises:
        SynthmedError: As `normalise`.
    """
    if not statistics:
        return z_BChw
    mean, std = _of(records, statistics, z_BChw)
    return z_BChw * std + mean


def carry(
    z_BChw: Tensor,
    change_BChw: Tensor,
    source: Sequence[Record],
    target: Sequence[Record],
    statistics: Statistics,
) -> Tensor:
    """Add a change, found among normalised latents, to latents as the codec gives them.

    Equal to `restore(normalise(z, source) + change, target)`, and exact where nothing changes: with
    source = target and a change of 0 the latents come back bit for bit.

    Args:
        z_BChw: Latents of the source images `(B, C, h, w)`, not normalised.
        change_BChw: What is added to their normalised form.
        source: Conditions of the images.
        target: Conditions of what they become.
        statistics: Of the domains.

    Returns:
        Latents for the codec, `(B, C, h, w)`.

    Raises:
        SynthmedError: As `normalise`.
    """
    if not statistics:
        return z_BChw + change_BChw
    mean, std = _of(source, statistics, z_BChw)
    new_mean, new_std = _of(target, statistics, z_BChw)
    ratio = new_std / std
    return z_BChw * ratio + (new_mean - mean * ratio) + new_std * change_BChw


def check_statistics(statistics: Any, domains: Sequence[str], channels: int, where: object) -> None:
    """Check that there are usable statistics for every domain of a model.

    Args:
        statistics: What a card says; {} or None is nothing to check.
        domains: The model's domains.
        channels: Channels of its latents.
        where: The card, for the message.

    Raises:
        SynthmedError: A domain without statistics, another number of channels, or a number that
            cannot be.
    """
    if not statistics:
        return
    for domain in domains:
        entry = statistics.get(domain) if isinstance(statistics, Mapping) else None
        mean, std = (
            entry.get(name) if isinstance(entry, Mapping) else None for name in ("mean", "std")
        )
        if not (_numbers(mean, channels) and _numbers(std, channels, above=0)):
            raise SynthmedError(
                f"no usable latent statistics of domain {domain!r}",
                where=where,
                mend="Copy or train the generator again.",
            )


def _numbers(values: Any, count: int, above: float = -math.inf) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == count
        and all(isinstance(v, int | float) and math.isfinite(v) and v > above for v in values)
    )


def _of(records: Sequence[Record], statistics: Statistics, like: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation `(B, C, 1, 1)` of the records' domains, in the type of some latents."""
    entries = []
    for record in records:
        domain = "" if isinstance(record, str) else record.get("domain", "")
        if domain not in statistics:
            what = f"latent statistics of domain {domain!r}" if domain else "domain in a condition"
            raise SynthmedError(
                f"this model needs a domain for every image, and there is no {what}",
                mend=f"Known: {', '.join(statistics)}.",
            )
        entries.append(statistics[domain])
    mean, std = (
        torch.tensor([list(entry[name]) for entry in entries], dtype=torch.float64)
        .to(like)
        .reshape(len(entries), -1, 1, 1)
        for name in ("mean", "std")
    )
    return mean, std
