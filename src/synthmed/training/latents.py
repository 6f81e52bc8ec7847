"""The latent cache: every training image, and augmented versions of it, encoded once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from synthmed.models.codec import Codec
from synthmed.training.augment import augment, operations_of
from synthmed.training.data import TrainingImages
from synthmed.training.disk import fsync_stream, write_json
from synthmed.training.settings import Recipe
from synthmed.transport.seeds import step_generator

_BATCH = 64


class LatentCache:
    """Latents of rows and their augmented versions, memory-mapped.

    Attributes:
        latents_NVChw: float16; version 0 is the image itself.
        rows: Index of each entry in the run's images.
        mean_NC: Taken off each entry's channels before it is given out; None takes nothing.
        std_NC: What they are then divided by.
    """

    def __init__(
        self,
        latents: npt.NDArray[np.float16],
        rows: npt.NDArray[np.int64],
        *,
        mean_NC: Tensor | None = None,
        std_NC: Tensor | None = None,
    ) -> None:
        self.latents_NVChw, self.rows = latents, rows
        self.mean_NC, self.std_NC = mean_NC, std_NC

    def draw(self, entries_B: Tensor, generator: torch.Generator) -> Tensor:
        """A version of each entry, drawn evenly: `(B, C, h, w)` float32."""
        versions = torch.randint(self.latents_NVChw.shape[1], entries_B.shape, generator=generator)
        picked = self.latents_NVChw[entries_B.numpy(), versions.numpy()]
        return self._scaled(torch.from_numpy(picked.astype(np.float32)), entries_B)

    def plain(self) -> Tensor:
        """Version 0 of all entries."""
        latents = torch.from_numpy(self.latents_NVChw[:, 0].astype(np.float32))
        return self._scaled(latents, torch.arange(len(latents)))

    def _scaled(self, z_BCHW: Tensor, entries_B: Tensor) -> Tensor:
        if self.mean_NC is None or self.std_NC is None:
            return z_BCHW
        mean, std = (each[entries_B][:, :, None, None] for each in (self.mean_NC, self.std_NC))
        return (z_BCHW - mean) / std


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

    Batches are appended to the array's file, and after each a counter beside it is renamed into
    place: a killed run continues after the last batch that the counter knows.

    Args:
        recipe: The run.
        images: Its images.
        codec: The codec.
        codec_hash: What tells this codec from others.
        split: "train" or "val".
        versions: Versions of each image; the first is the image itself, the others augmented.
        folder: Where the cache lies.
        progress: Called with (rows done, rows, {}).
    """
    rows = images.indices(split)
    operations = [operations_of(images.rows[i].image_type, recipe.data.augment) for i in rows]
    key = _key(recipe, images, codec_hash, split, versions, operations)
    side = recipe.data.image_size // codec.factor
    shape = (len(rows), versions, codec.latent_channels, side, side)
    folder.mkdir(parents=True, exist_ok=True)
    file, counter = folder / f"latents-{split}-{key}.npy", folder / f"latents-{split}-{key}.json"
    written = json.loads(counter.read_text()) if counter.is_file() and file.is_file() else None
    with open(file, "r+b" if written else "w+b") as stream:
        if written:
            stream.truncate(written["bytes"])
            stream.seek(written["bytes"])
        else:
            header = {"descr": "<f2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
        for start in range(written["rows"] if written else 0, len(rows), _BATCH):
            x_BCHW = images.tensor(rows[start : start + _BATCH])
            seen = _versions(x_BCHW, operations[start:], versions, recipe.seed, start)
            z_BVChw = torch.stack([_encode(codec, x) for x in seen], dim=1)
            stream.write(z_BVChw.numpy().astype("<f2").tobytes())
            fsync_stream(stream)
            done = start + len(x_BCHW)
            write_json(counter, {"rows": done, "bytes": stream.tell()})
            progress(done, len(rows), {})
    return LatentCache(np.load(file, mmap_mode="r"), rows)


def _versions(
    x_BCHW: Tensor, operations: Sequence[Sequence[str]], versions: int, seed: int, first: int
) -> Iterator[Tensor]:
    """The images, then augmented versions; the draws are a function of (seed, row, version)."""
    yield x_BCHW
    for version in range(1, versions):
        draws = (
            step_generator(seed, first + i, f"augmentation {version}") for i in range(len(x_BCHW))
        )
        yield torch.stack(
            [
                augment(x, names, draw)
                for x, names, draw in zip(x_BCHW, operations, draws, strict=False)
            ]
        )


@torch.no_grad()
def _encode(codec: Codec, x_BCHW: Tensor) -> Tensor:
    return codec.encode(x_BCHW).float().cpu()


def _key(
    recipe: Recipe,
    images: TrainingImages,
    codec_hash: str,
    split: str,
    versions: int,
    operations: Sequence[Sequence[str]],
) -> str:
    splits = [row.split for row in images.rows]
    content = [recipe.seed, images.key, splits, codec_hash, split, versions, operations]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
