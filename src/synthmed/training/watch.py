"""Samples while a model trains: a grid at fixed seeds, and how many of them are copies."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
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
from synthmed.models.records import Record
from synthmed.training.data import TrainingImages
from synthmed.training.pictures import image_grid, save_grid
from synthmed.transport.seeds import row_seed

_GUIDANCE = 2.0
_LEAST_GROUPS = 4  # below it "too close" cannot be calibrated


class Watch:
    """Draw samples at fixed seeds and compare them with the training images.

    A sample counts as a copy where it lies closer to a training image than nearly all validation
    images (other patients) do; see `synthmed.measures.neighbours.copies`. Copies are not looked
    for where fewer than four groups were held out. Groups that the recipe shares between splits
    were not: their validation images calibrate nothing.

    Args:
        images: The run's images.
        records: Conditions to sample.
        seed: The run's seed.
        folder: Where the pictures go.
        most: Training ends when the copy rate's lower bound exceeds this.
        judged: Which samples may count as copies; all where None. Samples like a group that is in
            all splits would be close to its training images by right.

    Raises:
        SafetyError: Validation images equal training images.
    """

    def __init__(
        self,
        images: TrainingImages,
        records: Sequence[Record],
        seed: int,
        folder: Path,
        most: float,
        *,
        judged: Sequence[bool] | None = None,
    ) -> None:
        self.records, self.folder, self.most = list(records), folder, most
        self.judged = np.ones(len(records), bool) if judged is None else np.asarray(judged, bool)
        self.seeds = [row_seed(seed, f"watch {i}") for i in range(len(records))]
        self.extract = EXTRACTORS["structure-16"]()
        self.train = self._features(images, images.indices("train"))
        held = [i for i in images.indices("val") if images.rows[i].group_id not in images.shared]
        self.groups = [images.rows[i].group_id for i in held]
        self.calibrated = len(set(self.groups)) >= _LEAST_GROUPS
        if self.calibrated:
            self.holdout = self._features(images, held)
            copy_threshold(self.holdout, self.train, self.groups)  # refuses leaking images at once
        else:
            warnings.warn(
                f"validation images of {len(set(self.groups))} groups are too few to look for "
                "copies of training images",
                stacklevel=2,
            )

    def _features(self, images: TrainingImages, indices: Any) -> Any:
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
                        self.records[i : i + 32],
                        self.seeds[i : i + 32],
                        guidance=_GUIDANCE,
                    )
                    for i in range(0, len(self.records), 32)
                ]
            )
        save_grid(samples, 8, self.folder / f"step-{step:08d}.png")
        log.add_image("flow/samples", image_grid(samples, 8), step)
        if not self.calibrated or not self.judged.any():
            return None
        asked = self.extract(samples.numpy()[self.judged])
        found = copies(asked, self.train, self.holdout, self.groups)
        log.add_scalar("flow/validation/copies", found.rate, step)
        if found.low > self.most:
            return f"{found.rate:.0%} of the samples are copies of training images"
        return None


def watched_rows(keys: Sequence[str], count: int) -> list[int]:
    """Training entries whose conditions are sampled: types (or domains) in turn, common ones first.

    Args:
        keys: Type or domain of each entry.
        count: How many.
    """
    by_key = [
        [entry for entry, key in enumerate(keys) if key == name]
        for name, _ in Counter(keys).most_common()
    ]
    rounds = [(turn % len(by_key), turn // len(by_key)) for turn in range(count)]
    return [by_key[which][turn % len(by_key[which])] for which, turn in rounds]


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
