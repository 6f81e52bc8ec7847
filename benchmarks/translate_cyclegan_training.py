"""Training of CycleGAN: LSGAN, cycle and identity losses, a pool of 50 images; resumable.

Zhu et al. 2017, arXiv:1703.10593, sections 3 and 4, and appendix 7.1: cycle weight 10, identity
weight 5, Adam with rate 2e-4 and betas .5 and .999, the rate falling to 0 over the second half, the
discriminators' loss halved, a history of 50 made images. Other than in the paper a step takes 8
images of each domain, moved by up to 3 % as ours are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.common import say
from benchmarks.translate_cyclegan import count, discriminator, generator
from synthmed.errors import SynthmedError
from synthmed.models.device import autocast
from synthmed.training.augment import shift
from synthmed.training.checkpoints import Checkpoint, load_latest, pack, save_checkpoint, unpack
from synthmed.transport.seeds import step_generator

Pixels = npt.NDArray[np.float32]
CYCLE, IDENTITY, RATE, POOL, BATCH = 10.0, 5.0, 2e-4, 50, 8
KEEP_EVERY = 400
"""Steps between checkpoints."""


@dataclass(frozen=True)
class Setup:
    """What a CycleGAN is.

    Attributes:
        names: The two domains.
        views: Images of both domains that the networks see.
        width: Channels of the first layer.
        blocks: Residual blocks of a generator.
        seed: Seeds everything random.
    """

    names: tuple[str, str]
    views: int
    width: int
    blocks: int
    seed: int

    @property
    def steps(self) -> int:
        """Optimiser steps; each sees `BATCH` images of both domains."""
        return -(-self.views // (2 * BATCH))


class Pool:
    """A history of made images; the discriminator sees an old one in half of the cases.

    Args:
        images: Images that it begins with `(n, C, H, W)`, n up to `POOL`.
    """

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def exchange(self, made: Tensor, draw: torch.Generator) -> Tensor:
        """Images for the discriminator in place of these, on their device."""
        shown = []
        for image in made.detach().float().cpu():
            coin, place = (float(v) for v in torch.rand(2, generator=draw))
            if len(self.images) < POOL:
                self.images = torch.cat([self.images, image[None]])
                shown.append(image)
            elif coin < 0.5:
                shown.append(image)
            else:
                number = int(place * POOL)
                shown.append(self.images[number].clone())
                self.images[number] = image
        return torch.stack(shown).to(made.device)


class Run:
    """The state of a training.

    Args:
        setup: What is trained.
        channels: Channels of the images.
        size: Side of the images.
        device: Where to compute.
    """

    def __init__(self, setup: Setup, channels: int, size: int, device: torch.device) -> None:
        torch.manual_seed(setup.seed)
        self.setup, self.device, self.done = setup, device, 0
        self.networks: dict[str, nn.Module] = {}
        for side in ("a", "b"):  # of what is made, and of what is judged
            made = generator(channels, setup.width, setup.blocks)
            self.networks[f"to-{side}"] = made.to(device)
            self.networks[f"judge-{side}"] = discriminator(channels, setup.width).to(device)
        self.optimisers = {
            kind: torch.optim.Adam(
                chain(*(self.networks[f"{kind}-{side}"].parameters() for side in "ab")),
                lr=RATE,
                betas=(0.5, 0.999),
            )
            for kind in ("to", "judge")
        }
        self.pools = {side: Pool(torch.zeros(0, channels, size, size)) for side in "ab"}

    def step(self, real: dict[str, Tensor], draw: torch.Generator) -> dict[str, float]:
        """One step of generators and then of discriminators; gives the losses."""
        over = max(0.0, 2 * self.done / self.setup.steps - 1)
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = RATE * (1 - over)
        judges = [self.networks["judge-a"], self.networks["judge-b"]]
        for judge in judges:
            judge.requires_grad_(False)
        with autocast(self.device, "bfloat16"):
            losses, made = self._made(real)
        self._descend("to", losses)
        for judge in judges:
            judge.requires_grad_(True)
        shown = {side: self.pools[side].exchange(made[side], draw) for side in "ab"}
        with autocast(self.device, "bfloat16"):
            judged = {f"judge {s}": 0.5 * self._judged(s, real[s], shown[s]) for s in "ab"}
        self._descend("judge", judged)
        self.done += 1
        return {name: float(loss.detach()) for name, loss in (losses | judged).items()}

    def _made(self, real: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        losses, made = {}, {}
        for here, there in (("a", "b"), ("b", "a")):
            forth, back = self.networks[f"to-{there}"], self.networks[f"to-{here}"]
            made[there] = forth(real[here])
            scores = self.networks[f"judge-{there}"](made[there]).float()
            losses[f"fool {there}"] = F.mse_loss(scores, torch.ones_like(scores))
            cycle = F.l1_loss(back(made[there]).float(), real[here])
            losses[f"cycle {here}"] = CYCLE * cycle
            losses[f"identity {there}"] = IDENTITY * F.l1_loss(
                forth(real[there]).float(), real[there]
            )
        return losses, made

    def _judged(self, side: str, real: Tensor, made: Tensor) -> Tensor:
        judge = self.networks[f"judge-{side}"]
        true, false = judge(real).float(), judge(made).float()
        return F.mse_loss(true, torch.ones_like(true)) + F.mse_loss(false, torch.zeros_like(false))

    def _descend(self, kind: str, losses: dict[str, Tensor]) -> None:
        optimiser = self.optimisers[kind]
        optimiser.zero_grad(set_to_none=True)
        total: Tensor = sum(losses.values(), torch.zeros((), device=self.device))
        if not bool(torch.isfinite(total)):
            raise SynthmedError(f"CycleGAN diverged at step {self.done}")
        total.backward()
        optimiser.step()

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        tensors = {name: dict(network.state_dict()) for name, network in self.networks.items()}
        tensors["pools"] = {side: pool.images for side, pool in self.pools.items()}
        state: dict[str, Any] = {}
        for kind, optimiser in self.optimisers.items():
            tensors[f"optimiser-{kind}"], state[kind] = pack(optimiser.state_dict())
        save_checkpoint(folder, Checkpoint(self.done, tensors, state))

    def restore(self, folder: Path) -> None:
        """Continue from the newest checkpoint, if there is one."""
        saved = load_latest(folder)
        if saved is None:
            return
        for name, network in self.networks.items():
            network.load_state_dict(saved.tensors[name])
        for side in "ab":
            self.pools[side] = Pool(saved.tensors["pools"][side])
        for kind, optimiser in self.optimisers.items():
            rest = saved.state[kind]
            optimiser.load_state_dict(unpack(saved.tensors[f"optimiser-{kind}"], rest))
        self.done = saved.step


def fit(a: Pixels, b: Pixels, setup: Setup, work: Path, device: str) -> None:
    """Train, or continue, and write `cyclegan.safetensors` and `cyclegan.json`.

    Args:
        a: Images of the first domain `(N, C, S, S)` in [-1, 1].
        b: Images of the second one.
        setup: What is trained.
        work: The folder.
        device: Where to compute.

    Raises:
        SynthmedError: A loss that is no number.
    """
    run = Run(setup, a.shape[1], a.shape[2], torch.device(device))
    run.restore(work / "checkpoints")
    say(f"training a CycleGAN: {' and '.join(setup.names)}, from step {run.done} ...")
    sides = {"a": torch.from_numpy(np.ascontiguousarray(a))}
    sides["b"] = torch.from_numpy(np.ascontiguousarray(b))
    while run.done < setup.steps:
        draw = step_generator(setup.seed, run.done, "cyclegan")
        batch = {name: _drawn(images, draw).to(run.device) for name, images in sides.items()}
        losses = run.step(batch, draw)
        if run.done % KEEP_EVERY == 0:
            run.save(work / "checkpoints")
            told = ", ".join(f"{name} {loss:.2f}" for name, loss in losses.items())
            say(f"  step {run.done} of {setup.steps}: {told}")
    _finish(run, work, a.shape[1])


def _drawn(images: Tensor, draw: torch.Generator) -> Tensor:
    numbers = torch.randint(len(images), (BATCH,), generator=draw)
    return torch.stack([shift(image, draw) for image in images[numbers]])


def _finish(run: Run, work: Path, channels: int) -> None:
    sides: Sequence[nn.Module] = [run.networks["to-a"], run.networks["to-b"]]
    weights = {
        f"{number}.{name}": tensor.detach().cpu().contiguous()
        for number, network in enumerate(sides)
        for name, tensor in network.state_dict().items()
    }
    card = {**asdict(run.setup), "channels": channels, "steps": run.setup.steps}
    card["parameters"] = sum(map(count, run.networks.values()))
    work.mkdir(parents=True, exist_ok=True)
    for file, write in (
        (work / "cyclegan.safetensors", lambda part: save_file(weights, part)),
        (work / "cyclegan.json", lambda part: part.write_text(json.dumps(card))),
    ):
        part = file.with_name(file.name + ".part")
        write(part)
        os.replace(part, file)
