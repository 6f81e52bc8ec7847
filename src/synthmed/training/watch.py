"""Samples while a model trains: a grid at fixed seeds, and how many of them are copies."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthmed.measures.features import EXTRACTORS
from synthmed.measures.neighbours import copies, copy_threshold
from synthmed.models.codec import Codec
from synthmed.models.generator import Generator
from synthmed.training.captions import CaptionTable
from synthmed.training.data import TrainingImages
from synthmed.training.pictures import image_grid, save_grid
from synthmed.transport.seeds import row_seed

_GUIDANCE = 2.0
_LEAST_GROUPS = 4  # below it "too close" cannot be calibrated


class Watch:
    """Draw samples at fixed seeds and compare them with the training images.

    A sample counts as a copy where it lies closer to a training image than nearly all validation
    images (other patients) do; see `synthmed.measures.neighbours.copies`. Copies are not looked
    for where fewer than four groups were held out.

    Args:
        images: The run's images.
        prompts: Conditions to sample.
        seed: The run's seed.
        folder: Where the pictures go.
        most: Training ends when the copy rate's lower bound exceeds this.

    Raises:
        SafetyError: Validation images equal training images.
    """

    def __init__(
        self, images: TrainingImages, prompts: list[str], seed: int, folder: Path, most: float
    ) -> None:
        self.prompts, self.folder, self.most = prompts, folder, most
        self.seeds = [row_seed(seed, f"watch {i}") for i in range(len(prompts))]
        self.extract = EXTRACTORS["structure-16"]()
        self.train = self._features(images, "train")
        self.holdout = self._features(images, "val")
        self.groups = [images.rows[i].group_id for i in images.indices("val")]
        self.calibrated = len(set(self.groups)) >= _LEAST_GROUPS
        if self.calibrated:
            copy_threshold(self.holdout, self.train, self.groups)  # refuses leaking images at once
        else:
            warnings.warn(
                f"validation images of {len(set(self.groups))} groups are too few to look for "
                "copies of training images",
                stacklevel=2,
            )

    def _features(self, images: TrainingImages, split: str) -> Any:
        indices = images.indices(split)
        parts = [
            self.extract(images.tensor(indices[i : i + 256]).numpy())
            for i in range(0, len(indices), 256)
        ]
        return np.concatenate(parts)

    @torch.no_grad()
    def __call__(self, generator: Generator, step: int, log: Any) -> str | None:
        """Sample, write a picture, and give a reason to stop if too many samples are copies."""
        with _judging(generator) as ready:
            samples = torch.cat(
                [
                    ready.sample(
                        [self.record(ready, p) for p in self.prompts[i : i + 32]],
                        self.seeds[i : i + 32],
                        guidance=_GUIDANCE,
                    )
                    for i in range(0, len(self.prompts), 32)
                ]
            )
        save_grid(samples, 8, self.folder / f"step-{step:08d}.png")
        log.add_image("flow/samples", image_grid(samples, 8), step)
        if not self.calibrated:
            return None
        found = copies(self.extract(samples.numpy()), self.train, self.holdout, self.groups)
        log.add_scalar("flow/validation/copies", found.rate, step)
        if found.low > self.most:
            return f"{found.rate:.0%} of the samples are copies of training images"
        return None

    @staticmethod
    def record(generator: Generator, value: str) -> dict[str, str]:
        """A record for the Generator's first conditioner."""
        return {next(iter(generator.conditioners)): value}


def watch_prompts(images: TrainingImages, values: CaptionTable, count: int) -> list[str]:
    """Conditions of training rows, the types in turn.

    Args:
        images: The run's images.
        values: The conditions of the training rows; the first of each is taken.
        count: How many.
    """
    train = images.indices("train")
    by_type = [
        [n for n, i in enumerate(train) if images.rows[i].image_type == name]
        for name in images.types()
    ]
    prompts: list[str] = []
    for turn in range(count):
        entries = by_type[turn % len(by_type)]
        row = entries[turn // len(by_type) % len(entries)]
        prompts.append(values.texts[int(values.index_NC[row, 0])])
    return prompts


@contextmanager
def _judging(generator: Generator) -> Iterator[Generator]:
    """The Generator in evaluation mode; its codec computes in float32 whatever the network does."""
    networks = [generator.unet, *(c.module for c in generator.conditioners.values())]
    modes = [network.training for network in networks]
    for network in networks:
        network.eval()
    try:
        yield replace(generator, codec=_Float32Codec(generator.codec, generator.device.type))
    finally:
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)


class _Float32Codec:
    """A codec outside autocast: half precision can give it NaN."""

    def __init__(self, codec: Codec, device_type: str) -> None:
        self.codec, self.device_type = codec, device_type
        self.latent_channels, self.factor = codec.latent_channels, codec.factor

    def encode(self, x_BCHW: Tensor) -> Tensor:
        """Images to latents."""
        with torch.autocast(self.device_type, enabled=False):
            return self.codec.encode(x_BCHW)

    def decode(self, z_BCHW: Tensor) -> Tensor:
        """Latents to images."""
        with torch.autocast(self.device_type, enabled=False):
            return self.codec.decode(z_BCHW.float())
