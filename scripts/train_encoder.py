"""Train the bundled feature extractor on the CPU.

    python scripts/train_encoder.py recipes/encoders/medical-64.yaml --out runs/medical-64

One network learns four things of two views of each image: its type; findings and attributes, where
known; which two views show the same image (NT-Xent, Chen et al. 2020, arXiv:2002.05709); and how
much blur and noise was added to the uncropped view. A killed run continues from its last checkpoint
with the same command; the same recipe and number of threads give the same weights, unless
`--minutes` ends the run before its last step.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from encoder_data import EncoderData, read_data
from encoder_learner import Learner, class_weights, losses_of, shares
from safetensors.torch import load_file, save_file
from torch import Tensor

from synthmed.errors import DivergedError
from synthmed.measures.extractors.encoder_network import WIDTHS, EncoderNetwork
from synthmed.measures.extractors.medical_encoder import MedicalEncoder

ROOT = Path(__file__).resolve().parents[1]
SAVE_EVERY = 100
WARM_UP = 50


def main(argv: Sequence[str] | None = None) -> None:
    """Read the images, train, and write the encoder's folder."""
    options = _options(argv)
    recipe = yaml.safe_load(options.recipe.read_text(encoding="utf-8"))
    data = read_data(recipe, ROOT)
    print(f"{len(data.rows)} images, {len(data.groups)} groups", flush=True)
    learner, training = train(recipe, data, options.out, options.minutes)
    network = learner.network.eval()
    standardise(network, data)
    MedicalEncoder(network, make_card(recipe, data, training, network)).save(options.out)


def train(
    recipe: Mapping[str, Any],
    data: EncoderData,
    out: Path,
    minutes: float = math.inf,
    widths: Sequence[int] = WIDTHS,
) -> tuple[Learner, dict[str, Any]]:
    """Train, or continue; AdamW, linear warm-up, then cosine to 0.

    Args:
        recipe: See recipes/encoders/medical-64.yaml.
        data: The images.
        out: Folder of the checkpoint.
        minutes: Where the clock is ahead of the steps, it rules the learning rate and the end.
        widths: Of the network.

    Returns:
        The learner, and what is to be said of the training.

    Raises:
        DivergedError: A loss that is no finite number.
    """
    plan = recipe["training"]
    torch.manual_seed(recipe["seed"])
    learner = Learner(data.classes, widths).train()
    optimiser = torch.optim.AdamW(learner.parameters(), weight_decay=plan["weight_decay"])
    chances, weights = shares(data, recipe["npz_share"]), class_weights(data)
    step, spent = _resume(out, learner, optimiser)
    start = time.monotonic() - spent
    while (progress := max(step / plan["steps"], _minutes(start) / minutes)) < 1:
        for group in optimiser.param_groups:
            warm = min(1, (step + 1) / WARM_UP)
            group["lr"] = plan["learning_rate"] * warm * 0.5 * (1 + math.cos(math.pi * progress))
        losses = losses_of(learner, data, chances, weights, recipe, step)
        loss = sum(plan["weights"][name] * value for name, value in losses.items())
        if not torch.isfinite(loss):
            raise DivergedError(f"the encoder's loss is {loss.item()} at step {step}")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 50 == 0:
            said = ", ".join(f"{name} {value.item():.3f}" for name, value in losses.items())
            print(f"step {step}: {said} ({_minutes(start):.1f} min)", flush=True)
        step += 1
        if step % SAVE_EVERY == 0:
            _checkpoint(out, learner, optimiser, step, time.monotonic() - start)
    facts = {"planned_steps": plan["steps"], "steps": step, "seed": recipe["seed"]}
    facts |= {"views": 2 * plan["batch_size"] * step, "threads": torch.get_num_threads()}
    return learner, {**plan, **facts}


@torch.no_grad()
def standardise(network: EncoderNetwork, data: EncoderData) -> None:
    """Store mean and spread of the features, all image types weighing the same.

    Images of npz files, much smaller than 64 px, do not count where there are others.
    """
    learnt = np.arange(len(data.rows)) if data.from_npz.all() else np.flatnonzero(~data.from_npz)
    parts = [
        network.raw(torch.from_numpy(data.small_N3SS[rows]).float() / 127.5 - 1)
        for rows in np.array_split(learnt, max(1, len(learnt) // 64))
    ]
    features, kinds = torch.cat(parts).double(), data.targets["type"][learnt]
    weight = torch.from_numpy(1.0 / np.bincount(kinds)[kinds])[:, None]
    mean = (features * weight).sum(0) / weight.sum()
    spread = (((features - mean) ** 2 * weight).sum(0) / weight.sum()).sqrt()
    network.mean.copy_(mean)
    network.spread.copy_(spread.clamp(min=1e-3 * float(spread.max())))


def make_card(
    recipe: Mapping[str, Any],
    data: EncoderData,
    training: Mapping[str, Any],
    network: EncoderNetwork,
) -> dict[str, Any]:
    """What the encoder's card says."""
    return {
        "name": recipe["name"],
        "version": recipe["version"],
        "widths": [network.stem.out_channels, *(conv.out_channels for conv in network.down)],
        "features": network.dimensions,
        "parameters": sum(p.numel() for p in network.parameters()),
        "image_size": 64,
        "preprocessing": MedicalEncoder.preprocessing,
        "licence": recipe["licence"],
        "intended_use": "distances between sets of images, nearest neighbours, probes",
        "misuse": "diagnosis, treatment or any other clinical decision",
        "sources": data.sources,
        "training_groups_note": "hashes of the groups of all sources of kind folder; of a source "
        "of kind npz, whose files name no patients, the named splits of the named file",
        "training_groups": data.groups,
        "tasks": {name: list(names) for name, names in data.classes.items()},
        "training": dict(training),
    }


def _minutes(start: float) -> float:
    return (time.monotonic() - start) / 60


def _checkpoint(
    out: Path, learner: Learner, optimiser: torch.optim.Optimizer, step: int, seconds: float
) -> None:
    """Write weights, moments and progress to one file, replacing the last."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {f"weights/{name}": tensor for name, tensor in learner.state_dict().items()}
    for number, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"moments/{number}/{name}": value for name, value in moments.items()}
    tensors["progress"] = torch.tensor([step, seconds], dtype=torch.float64)
    save_file(tensors, out / "checkpoint.part")
    os.replace(out / "checkpoint.part", out / "checkpoint.safetensors")


def _resume(out: Path, learner: Learner, optimiser: torch.optim.Optimizer) -> tuple[int, float]:
    """Continue from a checkpoint, if there is one: its step and the seconds spent."""
    if not (out / "checkpoint.safetensors").is_file():
        return 0, 0.0
    tensors = load_file(out / "checkpoint.safetensors")
    step, seconds = tensors.pop("progress").tolist()
    moments: dict[int, dict[str, Tensor]] = {}
    weights = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "weights":
            weights[rest] = tensor
        else:
            number, _, key = rest.partition("/")
            moments.setdefault(int(number), {})[key] = tensor
    learner.load_state_dict(weights)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
    return int(step), float(seconds)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after this time")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
