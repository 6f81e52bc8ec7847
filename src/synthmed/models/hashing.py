"""Hashes by which weights are known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CHUNK = 1 << 22


def weights_hash(path: Path) -> str:
    """Hash the weight files of a folder with their names in it, or one checkpoint file.

    Args:
        path: A folder with `.safetensors` files at any depth, or one such file.

    Returns:
        SHA-256 as 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]:
        digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def generator_hash(folder: Path, statistics: Mapping[str, Any] | None = None) -> str:
    """Hash what a Generator's images depend on: its weights, and its latents' statistics.

    Args:
        folder: The Generator's folder.
        statistics: Its `latent_normalisation`; the order of the domains does not matter.

    Returns:
        SHA-256 as 64 hexadecimal digits; without statistics (format 1) the `weights_hash`.
    """
    weights = weights_hash(folder)
    if not statistics:
        return weights
    text = json.dumps(statistics, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{weights}{text}".encode()).hexdigest()
