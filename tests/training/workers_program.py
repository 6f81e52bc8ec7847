"""Run as several processes by `torchrun`: train, and keep what the gradients did.

workers_program.py RECIPE OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from tiny_runs import recipe_of

from synthmed.training.codec import CodecTask
from synthmed.training.data import load_images
from synthmed.training.run import train


def weights_after_plain_descent(recipe: Path, cache: Path) -> list[float]:
    """Norms of the codec's weights after two steps of gradient descent."""
    settings = recipe_of(recipe, "dtype=float32")
    images = load_images(settings.data, Path(), cache, lambda *_: None)
    task = CodecTask(settings, images, torch.device("cpu"))
    task.optimisers["vae"] = torch.optim.SGD(task.vae.parameters(), lr=0.5)
    for step in range(2):
        task.step(step)
    return [float(p.detach().double().norm()) for p in task.vae.parameters()]


def main(recipe: Path, out: Path) -> None:
    torch.set_num_threads(1)
    train(recipe, out=out / "run", overrides=["dtype=float32"], progress=False)
    found = weights_after_plain_descent(recipe, out / "run" / "cache")
    (out / f"norms-{PartialState().process_index}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
