"""A run of a few steps, importable by tests and by the processes that they start and kill."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml

from synthmed.training.recipe import load_recipe
from synthmed.training.settings import Recipe


def mapping(sources: Path, steps: int = 4) -> dict[str, Any]:
    """A recipe of small networks; two validations, two checkpoints each."""
    schedule = {"steps": steps, "warmup": 1, "validate_every": 2}
    return {
        "name": "tiny",
        "data": {"sources": str(sources), "image_size": 32, "captions": 2, "variants": 2},
        "codec": {
            "block_out_channels": [8, 16],
            "latent_channels": 4,
            "batch_size": 4,
            "spectral_weight": 0.1,
            "crop": 16,
            "crop_steps": 1,
            "schedule": dict(schedule),
            "gate": {"psnr": 1, "power": 0.0, "attribute_margin": 1.0},
        },
        "condition": {"width": 32, "layers": 1, "heads": 2, "vocabulary": 600},
        "denoiser": {
            "block_out_channels": [16, 32],
            "attention": [False, True],
            "layers_per_block": 1,
            "heads": 2,
        },
        "flow": {"batch_size": 4, "watch_images": 4, "schedule": dict(schedule)},
    }


def write_recipe(path: Path, sources: Path, steps: int = 4, **changes: dict[str, Any]) -> Path:
    """Write the tiny recipe, some keys of its parts changed."""
    recipe = mapping(sources, steps)
    for part, values in changes.items():
        recipe[part] |= values
    path.write_text(yaml.safe_dump(recipe))
    return path


def recipe_of(path: Path, *overrides: str) -> Recipe:
    """Read a recipe."""
    return load_recipe(path, overrides)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of all files under a folder, by relative name."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def spied(function: Any, see: Callable[..., Any]) -> Any:
    """The function, which first shows its arguments to `see`."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        see(*arguments, **keywords)
        return function(*arguments, **keywords)

    return call


def channels_last(module: Any) -> Any:
    """The module with its convolutions' weights channels-last, as in training."""
    return module.to(memory_format=torch.channels_last)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the system itself refuse to write files larger than this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
