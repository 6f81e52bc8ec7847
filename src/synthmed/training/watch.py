"""Samples while a model trains: a grid at fixed seeds, and how many of them are copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthmed.measures.features import EXTRACTORS
from synthmed.measures.neighbours import copies
from synthmed.models.generator import Generator
from synthmed.training.data import TrainingImages
from synthmed.training.pictures import image_grid, save_grid
from synthmed.transport.seeds import row_seed


class Watch:
    """Draw samples at fixed seeds and compare them with the training images.

    A sample counts as a copy where it lies closer to a training image than nearly all validation
    images (other patients) do; see `synthmed.measures.neighbours.copies`.

    Args:
        images: The run's images.
        prompts: Conditions to sample.
        seed: The run's seed.
        folder: Where the pictures go.
        most: Training ends when the copy rate's lower bound exceeds this.
    """

    def __init__(
        self, images: TrainingImages, prompts: list[str], seed: int, folder: Path, most: float
    ) -> None:
        self.prompts, self.folder, self.most = prompts, folder, most
        self.seeds = [row_seed(seed, f"watch {i}") for i in range(len(prompts))]
        self.extract = EXTRACTORS["pixels-16"]()
        self.train = self._features(images, "train")
        self.holdout = self._features(images, "val")

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
        networks = [generator.unet, *(c.module for c in generator.conditioners.values())]
        modes = [network.training for network in networks]
        for network in networks:
            network.eval()
        samples = torch.cat(
            [
                generator.sample(
                    [self.record(generator, p) for p in self.prompts[i : i + 32]],
                    self.seeds[i : i + 32],
                    guidance=2.0,
                )
                for i in range(0, len(self.prompts), 32)
            ]
        )
        for network, mode in zip(networks, modes, strict=True):
            network.train(mode)
        save_grid(samples, 8, self.folder / f"step-{step:08d}.png")
        log.add_image("flow/samples", image_grid(samples, 8), step)
        found = copies(self.extract(samples.numpy()), self.train, self.holdout)
        log.add_scalar("flow/validation/copies", found.rate, step)
        if found.low > self.most:
            return f"{found.rate:.0%} of the samples are copies of training images"
        return None

    @staticmethod
    def record(generator: Generator, value: str) -> dict[str, str]:
        """A record for the Generator's first conditioner."""
        return {next(iter(generator.conditioners)): value}
