"""Tiny flow trainings: latents whose sign depends on the class, and conditions that tell it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from synthmed.models.codec import IdentityCodec
from synthmed.models.conditioners import Conditioner, LabelConditioner
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.training.captions import CaptionTable
from synthmed.training.flow import FlowData, FlowTask
from synthmed.training.latents import LatentCache
from synthmed.training.settings import ConditionSettings, DataSettings, FlowSettings, Recipe
from synthmed.training.text import build_text_conditioner
from synthmed.transport.paths import LinearPath

CPU = torch.device("cpu")
TEXTS = ["", "bright field", "dark field", "bright dots", "dark dots"]
DOMAINS = ["", "bright device", "dark device"]


def latents(count: int, seed: int) -> LatentCache:
    """Latents whose sign depends on the class (n % 2), 2 versions."""
    draw = np.random.default_rng(seed)
    sign = np.where(np.arange(count) % 2 == 0, 1.0, -1.0)[:, None, None, None, None]
    values = sign + 0.1 * draw.normal(size=(count, 2, 3, 8, 8))
    return LatentCache(values.astype(np.float16), np.arange(count))


def table(count: int) -> CaptionTable:
    """Two captions a row: words of its class."""
    index = [[1, 3] if n % 2 == 0 else [2, 4] for n in range(count)]
    return CaptionTable(list(TEXTS), torch.tensor(index))


def domains(count: int) -> CaptionTable:
    """The domain of each row: its class again."""
    return CaptionTable(list(DOMAINS), torch.tensor([[1 + n % 2] for n in range(count)]))


def recipe_of(**changes: Any) -> Recipe:
    flow = FlowSettings(batch_size=16, learning_rate=2e-3)
    condition = ConditionSettings(width=32, layers=1, heads=2, vocabulary=600, max_length=16)
    plain = Recipe(dtype="float32", flow=flow, condition=condition, data=DataSettings(image_size=8))
    return dataclasses.replace(plain, **changes)


def task_of(
    recipe: Recipe | None = None, conditioner: Conditioner | None = None, count: int = 32
) -> FlowTask:
    """A task whose condition tells the class; of "+domain" the domain tells it again."""
    recipe = recipe or recipe_of()
    if conditioner is None:
        conditioner = build_text_conditioner(TEXTS, recipe.condition, recipe.seed)
    torch.manual_seed(1)
    unet = build_unet(
        sample_size=8,
        latent_channels=3,
        condition_width=conditioner.width,
        block_out_channels=(16, 32),
        attention=(False, True),
        layers_per_block=1,
        heads=2,
    )
    conditioners = {recipe.condition.names[0]: conditioner}
    train, val = {recipe.condition.names[0]: table(count)}, {recipe.condition.names[0]: table(8)}
    if "domain" in recipe.condition.names[1:]:
        torch.manual_seed(2)
        conditioners["domain"] = LabelConditioner(DOMAINS[1:], conditioner.width)
        train["domain"], val["domain"] = domains(count), domains(8)
    generator = Generator(IdentityCodec(), conditioners, unet, LinearPath(), 8)
    types = ["even" if n % 2 == 0 else "odd" for n in range(count)]
    data = FlowData(latents(count, 0), latents(8, 1), types, train, val, types)
    return FlowTask(recipe, data, generator, CPU, None)


class EnoughError(Exception):
    """Ends a step before its expensive part."""


def seen(task: FlowTask, steps: int, name: str) -> list[tuple[Any, ...]]:
    """The arguments with which each step calls a method."""
    calls: list[tuple[Any, ...]] = []

    def stop(*arguments: Any) -> None:
        calls.append(arguments)
        raise EnoughError

    setattr(task, name, stop)
    for step in range(steps):
        with pytest.raises(EnoughError):
            task.step(step)
    return calls
