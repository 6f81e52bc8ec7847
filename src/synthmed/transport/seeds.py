"""Seeds: every random number is a function of what it is for, never of the order of the work.

The seed of an image is a hash of (run seed, row key, copy number), the seed of a training step a
hash of (run seed, step, purpose). Batches of another size or order, and runs that were killed and
continued, therefore see the same noise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import torch
from torch import Tensor


def _hash(*parts: int | str) -> int:
    """A 63-bit non-negative integer from the SHA-256 of the parts, unambiguously joined."""
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:8], "big") >> 1


def row_seed(run_seed: int, key: str, copy: int = 0) -> int:
    """Seed of one image.

    Args:
        run_seed: Seed of the whole run.
        key: What identifies the row: its ``id``, else the hash of its prompt.
        copy: Number of the copy, 0 for the first image of the row.

    Returns:
        An integer in [0, 2**63).
    """
    return _hash("row", run_seed, key, copy)


def noise(shape: tuple[int, ...], seed: int) -> Tensor:
    """Standard normal noise, always drawn in float32 on the CPU.

    Args:
        shape: Shape of one latent, for instance (C, H, W).
        seed: Integer in [0, 2**63), for instance from `row_seed`.

    Returns:
        Tensor of the given shape, float32, CPU.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float32)


def batch_noise(shape: tuple[int, ...], seeds: Sequence[int]) -> Tensor:
    """One independent `noise` an image, so that an image's noise does not depend on its batch.

    Args:
        shape: Shape of one latent, for instance (C, H, W).
        seeds: B integers, one an image.

    Returns:
        Tensor (B, *shape), float32, CPU.
    """
    return torch.stack([noise(shape, seed) for seed in seeds])


def step_generator(run_seed: int, step: int, purpose: str = "") -> torch.Generator:
    """CPU generator for one training step, a function of (run seed, step, purpose) alone.

    Args:
        run_seed: Seed of the whole run.
        step: Number of the step, counted from 0.
        purpose: Separates independent draws of one step, for instance ``"noise"``, ``"drop-out"``.

    Returns:
        A freshly seeded `torch.Generator` on the CPU.
    """
    return torch.Generator().manual_seed(_hash("step", run_seed, step, purpose))
