"""A small segmenter, MONAI's UNet, which says what a translation leaves of lesions and lungs.

A segmenter sees at most `views` images, 102,400 where a number is quoted. It stops earlier when the
mean Dice coefficient on validation images, which are of other patients or poses than its training
images and never of those that it is tested on, has not risen for `patience` images; the weights of
the best check are kept. The number of images that it saw stands in its facts. Grey levels are
normalised image by image, in training and in use, so that brightness alone decides nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from synthmed.errors import DivergedError, SynthmedError
from synthmed.measures.edits.overlap import dice
from synthmed.models.device import autocast, pick_device
from synthmed.training.augment import OPERATIONS
from synthmed.transport.seeds import step_generator

VERSION = 1
"""Goes into the names of kept networks; a change of the training raises it."""
GROUND = 0.02
"""Grey levels above the darkest pixel, in [-1, 1], that still count as the ground."""
WARM = 50
"""Steps over which the learning rate rises to its value."""
CHANNELS = (16, 32, 64, 128)
TINY = (8, 16)
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Masked:
    """Images with the masks of one structure.

    Attributes:
        images: (N, 1, S, S) float32 in [-1, 1].
        masks: (N, S, S) booleans.
        groups: Patient (of renders: pose) of each image.
    """

    images: NDArray[np.float32]
    masks: Masks
    groups: list[str]

    def __post_init__(self) -> None:
        """Refuse images and masks that do not lie on each other."""
        n, _, height, width = self.images.shape
        if self.masks.shape != (n, height, width) or len(self.groups) != n or n == 0:
            raise SynthmedError(
                f"images {self.images.shape}, masks {self.masks.shape}, {len(self.groups)} groups"
            )

    def take(self, rows: Any) -> Masked:
        """The images of some rows (a mask, or their numbers)."""
        numbers = np.arange(len(self.groups))[rows]
        return Masked(
            self.images[numbers], self.masks[numbers], [self.groups[i] for i in numbers.tolist()]
        )

    def digest(self) -> str:
        """A hash of images and masks, in their order."""
        found = hashlib.sha256(repr(self.images.shape).encode())
        found.update(np.ascontiguousarray(self.images, np.float32).tobytes())
        found.update(np.packbits(self.masks).tobytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Fitting:
    """How segmenters are trained; equal for all that are compared.

    Attributes:
        views: Images that one sees at most.
        patience: Images without a better check after which it stops.
        check: Images between two checks on the validation images.
        operations: Safe changes of images (`synthmed.training.augment`); masks move along.
        batch: Images a step.
        rate: Learning rate of AdamW.
        tiny: A network that only proves that the script works.
        device: Where to compute.
        dtype: "float32", or "bfloat16" for autocast in training where the processor has it.
    """

    views: int
    patience: int
    check: int
    operations: tuple[str, ...] = ()
    batch: int = 32
    rate: float = 1e-3
    tiny: bool = False
    device: str = "cpu"
    dtype: str = "bfloat16"


def normalised(x_B1SS: Tensor) -> Tensor:
    """Images with mean 0 and variance 1 over the pixels that are brighter than their black ground.

    The sets have no common grey scale, and a judge of content should not go by brightness.
    """
    inside = (x_B1SS > x_B1SS.amin(dim=(1, 2, 3), keepdim=True) + GROUND).float()
    count = inside.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1.0)
    mean = (x_B1SS * inside).sum(dim=(1, 2, 3), keepdim=True) / count
    squares = ((x_B1SS - mean) ** 2 * inside).sum(dim=(1, 2, 3), keepdim=True) / count
    return (x_B1SS - mean) / (squares.sqrt() + GROUND)


@dataclass(frozen=True)
class Segmenter:
    """A trained segmenter.

    Attributes:
        network: Images (B, 1, S, S) to logits (B, 1, S, S).
        facts: `views` it saw, `validation_dice`, `parameters`, `seed`, `images`, `groups`.
    """

    network: nn.Module
    facts: dict[str, Any]

    @torch.no_grad()
    def __call__(self, images: NDArray[np.float32]) -> Masks:
        """Masks (N, S, S) of images (N, 1, S, S) in [-1, 1]: where the probability exceeds 0.5."""
        self.network.eval()
        device = next(self.network.parameters()).device
        parts = [
            (self.network(normalised(torch.from_numpy(part)).to(device)) > 0)[:, 0].cpu().numpy()
            for part in np.array_split(np.asarray(images, np.float32), -(-len(images) // 128))
        ]
        return np.concatenate(parts)


def trained(train: Masked, val: Masked, fitting: Fitting, seed: int, store: Path) -> Segmenter:
    """Train a segmenter, or open the one that was trained on the same images and settings.

    Args:
        train: What it learns from.
        val: What chooses its step; none of the groups of `train`.
        fitting: How.
        seed: Seeds initial weights, batches and augmentation.
        store: Folder for finished networks.

    Raises:
        SynthmedError: A group in both sets.
        DivergedError: A loss that is no finite number.
    """
    if both := set(train.groups) & set(val.groups):
        raise SynthmedError(f"{len(both)} groups are in training and in validation")
    what = [VERSION, train.digest(), val.digest(), asdict(fitting), seed]
    name = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
    weights, card = store / f"{name}.safetensors", store / f"{name}.json"
    if card.is_file():
        network = build(fitting.tiny)
        network.load_state_dict(load_file(weights))
        device = pick_device(fitting.device)
        return Segmenter(network.to(device), json.loads(card.read_text(encoding="utf-8")))
    made = _fit(train, val, fitting, seed)
    store.mkdir(parents=True, exist_ok=True)
    state = {key: value.cpu().contiguous() for key, value in made.network.state_dict().items()}
    save_file(state, weights.with_suffix(".part"))
    os.replace(weights.with_suffix(".part"), weights)
    text = json.dumps(made.facts)
    card.with_suffix(".part").write_text(text, encoding="utf-8")
    os.replace(card.with_suffix(".part"), card)
    return made


def build(tiny: bool = False) -> nn.Module:
    """The untrained network: MONAI's UNet with group norm and one residual unit a level.

    Group norm keeps no running statistics, so a mask does not depend on the rest of its batch.
    """
    from monai.networks.nets import UNet

    channels = TINY if tiny else CHANNELS
    unet = UNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=8,
        channels=channels,
        strides=(2,) * (len(channels) - 1),
        num_res_units=1,
        norm=("GROUP", {"num_groups": 4}),
    )
    return nn.Sequential(unet, nn.Conv2d(8, 1, 1))


def _fit(train: Masked, val: Masked, fitting: Fitting, seed: int) -> Segmenter:
    from monai.losses import DiceCELoss

    device = pick_device(fitting.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(fitting.tiny).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=fitting.rate, weight_decay=1e-2)
    loss_of = DiceCELoss(sigmoid=True, batch=True)
    steps, every = -(-fitting.views // fitting.batch), max(1, fitting.check // fitting.batch)
    best, best_step, kept = -1.0, 0, _copy(network)
    for step in range(steps):
        network.train()
        images, masks = _batch(train, fitting, seed, step)
        for group in optimiser.param_groups:
            group["lr"] = fitting.rate * min(1.0, (step + 1) / WARM)
        with autocast(device, fitting.dtype):
            logits = network(normalised(images).to(device))
        loss = loss_of(logits.float(), masks.to(device))
        if not torch.isfinite(loss):
            raise DivergedError(f"the segmenter's loss is {loss.item()} at step {step}")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (step + 1) % every == 0 or step + 1 == steps:
            score = float(dice(Segmenter(network, {})(val.images), val.masks).mean())
            if score > best:
                best, best_step, kept = score, step + 1, _copy(network)
            elif (step + 1 - best_step) * fitting.batch >= fitting.patience:
                break
    network.load_state_dict(kept)
    facts = {
        "views": (step + 1) * fitting.batch,
        "best_at": best_step * fitting.batch,
        "validation_dice": round(best, 6),
        "parameters": sum(p.numel() for p in network.parameters()),
        "seed": seed,
        "images": len(train.groups),
        "groups": len(set(train.groups)),
    }
    return Segmenter(network, facts)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in network.state_dict().items()}


def _batch(train: Masked, fitting: Fitting, seed: int, step: int) -> tuple[Tensor, Tensor]:
    """Images and masks (B, 1, S, S) of a step, a function of (seed, step) alone."""
    draw = step_generator(seed, step, "segmenter batch")
    rows = torch.randint(len(train.groups), (fitting.batch,), generator=draw).tolist()
    both = [changed(train.images[i], train.masks[i], fitting.operations, draw) for i in rows]
    x_B2SS = torch.stack(both)
    return x_B2SS[:, :1], x_B2SS[:, 1:]


def changed(
    image: NDArray[np.float32], mask: Masks, operations: Sequence[str], draw: torch.Generator
) -> Tensor:
    """An image (1, S, S) and its mask (S, S), changed alike: (2, S, S), the mask of 0 and 1.

    What changes values and moves nothing ("gain") leaves the mask alone.
    """
    both = torch.from_numpy(np.concatenate([image, mask[None].astype(np.float32)]))
    for name in operations:
        if name == "gain":
            both = torch.cat([OPERATIONS[name](both[:1], draw), both[1:]])
        else:
            both = OPERATIONS[name](both, draw)
    return both
