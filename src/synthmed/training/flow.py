"""Flow matching: training of the denoiser, and of the text model along with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from synthmed.models.conditioners import LabelConditioner, TextConditioner
from synthmed.models.device import autocast
from synthmed.models.generator import Generator
from synthmed.training.batches import BalancedBatches
from synthmed.training.captions import CaptionTable
from synthmed.training.latents import LatentCache
from synthmed.training.settings import Recipe
from synthmed.training.watch import Watch
from synthmed.training.workers import average_gradients, share
from synthmed.transport.paths import LinearPath
from synthmed.transport.seeds import step_generator


@dataclass(frozen=True)
class FlowData:
    """What flow training reads.

    Attributes:
        train: Latents of the training rows.
        val: Latents of the validation rows, one version each.
        types: Image type of each training entry.
        train_values: Conditions of the training entries: caption table, or labels.
        val_values: Conditions of the validation entries.
    """

    train: LatentCache
    val: LatentCache
    types: list[str]
    train_values: CaptionTable
    val_values: CaptionTable


class FlowTask:
    """Train the velocity network (a `Task` of the training loop).

    The network learns `e - x` at `z = t x + (1 - t) e` (conditional flow matching, Lipman et al.
    2023, eq. 22, in diffusers' sign). The condition is dropped independently for each image with
    probability `dropout`.

    Args:
        recipe: The run.
        data: Latents and conditions.
        generator: The Generator to train; its `unet` and a text model that is trained along.
        device: Where to compute.
        watch: Looks at samples at each validation; None looks at none.
    """

    name = "flow"

    def __init__(
        self,
        recipe: Recipe,
        data: FlowData,
        generator: Generator,
        device: torch.device,
        watch: Watch | None,
    ) -> None:
        settings = recipe.flow
        self.recipe, self.settings, self.data = recipe, settings, data
        self.generator, self.device, self.watcher = generator, device, watch
        self.conditioner = next(iter(generator.conditioners.values()))
        self.learns_condition = not (recipe.condition.path and recipe.condition.frozen)
        if not self.learns_condition:
            self.conditioner.module.eval().requires_grad_(False)
        self.modules: dict[str, nn.Module] = {"unet": generator.unet}
        if self.learns_condition:
            self.modules["condition"] = self.conditioner.module
        self.helpers: dict[str, nn.Module] = {}
        parameters = [p for module in self.modules.values() for p in module.parameters()]
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "flow": torch.optim.AdamW(
                [{"params": parameters, "initial_lr": settings.learning_rate}],
                lr=settings.learning_rate,
                weight_decay=settings.weight_decay,
            )
        }
        self.path = LinearPath()
        self.batches = BalancedBatches(
            data.types, settings.batch_size, recipe.data.balance, recipe.seed + 1
        )
        self.numbers_train = self._numbers(data.train_values)
        self.numbers_val = self._numbers(data.val_values)
        self.cached = None if self.learns_condition else self._cache_conditions()

    def _numbers(self, table: CaptionTable) -> Tensor:
        """What the conditioner's network reads for each distinct value; row 0 is the null."""
        if isinstance(self.conditioner, TextConditioner):
            return self.conditioner.token_ids(table.texts)
        assert isinstance(self.conditioner, LabelConditioner)
        return self.conditioner.numbers(table.texts)

    @torch.no_grad()
    def _cache_conditions(self) -> Tensor:
        """Tokens of every distinct caption, for a frozen text model."""
        return torch.cat(
            [
                self._run(self.numbers_train[i : i + 64]).cpu()
                for i in range(0, len(self.numbers_train), 64)
            ]
        )

    def _run(self, numbers: Tensor) -> Tensor:
        if isinstance(self.conditioner, TextConditioner):
            return self.conditioner.embed(numbers)
        tokens: Tensor = self.conditioner.module(numbers.to(self.device))
        return tokens

    def _tokens(self, values_B: Tensor) -> Tensor:
        """Tokens of a batch, one run of the text model per distinct caption."""
        if self.cached is not None:
            return self.cached[values_B].to(self.device)
        distinct, inverse = torch.unique(values_B, return_inverse=True)
        return self._run(self.numbers_train[distinct])[inverse.to(self.device)]

    def step(self, step: int) -> dict[str, float]:
        """One step on a batch that is a function of (seed, step)."""
        entries_B, draw = self.batches.draw(step)
        x_BCHW = self.data.train.draw(entries_B, draw)
        choices = self.data.train_values.index_NC
        which = torch.randint(choices.shape[1], entries_B.shape, generator=draw)
        values_B = choices[entries_B, which]
        dropped = torch.rand(len(entries_B), generator=draw) < self.recipe.condition.dropout
        values_B = torch.where(dropped, 0, values_B)
        t_B = draw_times(len(entries_B), self.settings.times, draw)
        noise = torch.randn(x_BCHW.shape, generator=draw)
        mine, optimiser = share(len(entries_B)), self.optimisers["flow"]
        tokens = self._tokens(values_B[mine])
        loss = self._loss(x_BCHW[mine], noise[mine], t_B[mine], tokens).mean()
        loss.backward()
        parameters = optimiser.param_groups[0]["params"]
        average_gradients(parameters)
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return {"loss": float(loss.detach()), "gradient": float(norm)}

    def _loss(self, x_BCHW: Tensor, noise: Tensor, t_B: Tensor, tokens: Tensor) -> Tensor:
        """Squared error of each image `(B,)`."""
        point = self.path.sample(x_BCHW, noise, t_B)
        z = point.z.to(self.device)
        with autocast(self.device, self.recipe.dtype):
            output = self.generator.unet(
                z, self.path.timestep(t_B).to(self.device), encoder_hidden_states=tokens
            ).sample
        error: Tensor = (output.float() - point.target.to(self.device)) ** 2
        return error.mean(dim=(1, 2, 3))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Loss on validation rows at fixed times and noise, so that validations compare."""
        latents = self.data.val.plain()
        chosen = np.linspace(0, len(latents) - 1, min(len(latents), 256)).round().astype(int)
        losses: list[float] = []
        for start in range(0, len(chosen), 64):
            rows = torch.from_numpy(chosen[start : start + 64])
            draw = step_generator(self.recipe.seed, start, "validation")
            x = latents[rows]
            t_B = (torch.arange(start, start + len(rows)) * 0.6180339887) % 1.0
            noise = torch.randn(x.shape, generator=draw)
            tokens = self._run(self.numbers_val[self.data.val_values.index_NC[rows, 0]])
            losses += self._loss(x, noise, t_B, tokens).tolist()
        return {"loss": float(np.mean(losses))}

    def watch(self, step: int, log: Any) -> str | None:
        """Sample grid and copy rate."""
        if self.watcher is None:
            return None
        with autocast(self.device, self.recipe.dtype):
            return self.watcher(self.generator, step, log)


def draw_times(count: int, kind: str, draw: torch.Generator) -> Tensor:
    """Times `(count,)`: uniform, or logit-normal (Esser et al. 2024, eq. 19 with m 0, s 1)."""
    if kind == "logit-normal":
        return torch.sigmoid(torch.randn(count, generator=draw))
    return torch.rand(count, generator=draw)
