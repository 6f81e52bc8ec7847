"""Hashes by which weights are known."""

from __future__ import annotations

import hashlib
from pathlib import Path

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
