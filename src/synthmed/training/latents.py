"""The latent cache: every training image, and augmented versions of it, encoded once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from synthmed.models.codec import Codec
from synthmed.training.augment import augment, operations_of
from synthmed.training.data import TrainingImages
from synthmed.training.recipe import Recipe
from synthmed.transport.seeds import step_generator

_BATCH = 64


class LatentCache:
    """Latents of rows and their augmented versions, memory-mapped.

    Attributes:
        latents_NVChw: float16; version 0 is the image itself.
        rows: Index of each entry in the run's images.
    """

    def __init__(self, latents: npt.NDArray[np.float16], rows: npt.NDArray[np.int64]) -> None:
        self.latents_NVChw, self.rows = latents, rows

    def draw(self, entries_B: Tensor, generator: torch.Generator) -> Tensor:
        """A version of each entry, drawn evenly: `(B, C, h, w)` float32."""
        versions = torch.randint(self.latents_NVChw.shape[1], entries_B.shape, generator=generator)
        picked = self.latents_NVChw[entries_B.numpy(), versions.numpy()]
        return torch.from_numpy(picked.astype(np.float32))

    def plain(self) -> Tensor:
        """Version 0 of all entries."""
        return torch.from_numpy(self.latents_NVChw[:, 0].astype(np.float32))


@torch.no_grad()
def channel_statistics(codec: Codec, images: TrainingImages) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each latent channel over up to 2,048 training images."""
    train = images.indices("train")
    chosen = train[np.linspace(0, len(train) - 1, min(len(train), 2048)).round().astype(int)]
    total = square = torch.zeros(codec.latent_channels, dtype=torch.float64)
    count = 0
    for start in range(0, len(chosen), _BATCH):
        z = codec.encode(images.tensor(chosen[start : start + _BATCH])).double().cpu()
        total = total + z.sum(dim=(0, 2, 3))
        square = square + (z**2).sum(dim=(0, 2, 3))
        count += z.numel() // z.shape[1]
    mean = total / count
    return mean.float(), (square / count - mean**2).clamp_min(0).sqrt().float()


@torch.no_grad()
def cache_latents(
    recipe: Recipe,
    images: TrainingImages,
    codec: Codec,
    codec_hash: str,
    split: str,
    versions: int,
    folder: Path,
    progress: Callable[[int, int, dict[str, float]], None],
) -> LatentCache:
    """Encode a split, or open what an earlier run encoded with the same codec, rows and settings.

    A killed run continues at the first row that is not yet written: the array is preallocated and
    a counter beside it is renamed into place after every batch.
    """
    rows = images.indices(split)
    operations = [operations_of(images.rows[i].image_type, recipe.data.augment) for i in rows]
    key = _key(recipe, images, codec_hash, split, versions, operations)
    side = recipe.data.image_size // codec.factor
    shape = (len(rows), versions, codec.latent_channels, side, side)
    folder.mkdir(parents=True, exist_ok=True)
    file, counter = folder / f"latents-{split}-{key}.npy", folder / f"latents-{split}-{key}.json"
    done = json.loads(counter.read_text())["rows"] if counter.is_file() and file.is_file() else 0
    mode = "r+" if done else "w+"
    array = np.lib.format.open_memmap(file, mode, np.float16, None if done else shape)
    for start in range(done, len(rows), _BATCH):
        stop = min(start + _BATCH, len(rows))
        x_BCHW = images.tensor(rows[start:stop])
        for version in range(versions):
            seen = x_BCHW if version == 0 else torch.stack(
                [
                    augment(x, operations[start + i], _draws(recipe.seed, start + i, version))
                    for i, x in enumerate(x_BCHW)
                ]
            )
            array[start:stop, version] = codec.encode(seen).float().cpu().numpy()
        array.flush()
        temporary = counter.with_suffix(".tmp")
        temporary.write_text(json.dumps({"rows": stop}))
        os.replace(temporary, counter)
        progress(stop, len(rows), {})
    return LatentCache(np.load(file, mmap_mode="r"), rows)


def _draws(seed: int, row: int, version: int) -> torch.Generator:
    return step_generator(seed, row, f"augmentation {version}")


def _key(
    recipe: Recipe,
    images: TrainingImages,
    codec_hash: str,
    split: str,
    versions: int,
    operations: list[tuple[str, ...]],
) -> str:
    files = [str(images.rows[i].file) for i in images.indices(split)]
    content = [recipe.seed, recipe.data.image_size, codec_hash, versions, files, operations]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
