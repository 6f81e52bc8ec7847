"""Flow matching: training of the denoiser, and of what reads its conditions along with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from synthmed.models.conditioners import TextConditioner
from synthmed.models.device import autocast
from synthmed.models.generator import Generator
from synthmed.training.batches import BalancedBatches
from synthmed.training.captions import CaptionTable
from synthmed.training.condition_tokens import ConditionTokens
from synthmed.training.latents import LatentCache
from synthmed.training.pairing import key_numbers, paired_noise
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
        types: What each training entry counts as in balanced batches: image type, or domain.
        train_values: Conditions of the training entries, by the conditioner's name: caption
            tables, labels, domains.
        val_values: Conditions of the validation entries.
        pairs: Within what noise is paired with each training entry, for `flow.pairing: transport`.
    """

    train: LatentCache
    val: LatentCache
    types: list[str]
    train_values: Mapping[str, CaptionTable]
    val_values: Mapping[str, CaptionTable]
    pairs: Sequence[str] = ()


class FlowTask:
    """Train the velocity network (a `Task` of the training loop).

    The network learns `e - x` at `z = t x + (1 - t) e` (conditional flow matching, Lipman et al.
    2023, eq. 22, in diffusers' sign). Each condition is dropped for each image by itself, with its
    own probability.

    Args:
        recipe: The run.
        data: Latents and conditions.
        generator: The Generator to train; its `unet` and the conditioners that are trained along.
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
        self.conditions = _conditions(recipe, data, generator, device)
        self.modules: dict[str, nn.Module] = {"unet": generator.unet}
        for number, (name, condition) in enumerate(self.conditions.items()):
            if condition.learns:
                key = f"condition-{name}" if number else "condition"
                self.modules[key] = condition.conditioner.module
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
        self.pairs_N = key_numbers(data.pairs) if settings.pairing == "transport" else None

    def step(self, step: int) -> dict[str, float]:
        """One step on a batch that is a function of (seed, step)."""
        entries_B, draw = self.batches.draw(step)
        x_BCHW = self.data.train.draw(entries_B, draw)
        values = [condition.draw(entries_B, draw) for condition in self.conditions.values()]
        t_B = draw_times(len(entries_B), self.settings.times, draw)
        noise = torch.randn(x_BCHW.shape, generator=draw)
        if self.pairs_N is not None:
            noise = paired_noise(x_BCHW, noise, self.pairs_N[entries_B])
        mine, optimiser = share(len(entries_B)), self.optimisers["flow"]
        tokens = self._tokens([values_B[mine] for values_B in values])
        loss = self._loss(x_BCHW[mine], noise[mine], t_B[mine], tokens).mean()
        loss.backward()
        parameters = optimiser.param_groups[0]["params"]
        average_gradients(parameters)
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return {"loss": float(loss.detach()), "gradient": float(norm)}

    def _tokens(self, values: Sequence[Tensor]) -> Tensor:
        """Tokens of a batch, the conditions' joined along their length in the Generator's order."""
        pairs = zip(self.conditions.values(), values, strict=True)
        return torch.cat([condition.tokens(values_B) for condition, values_B in pairs], dim=1)

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
            parts = [condition.validation_tokens(rows) for condition in self.conditions.values()]
            losses += self._loss(x, noise, t_B, torch.cat(parts, dim=1)).tolist()
        return {"loss": float(np.mean(losses))}

    def watch(self, step: int, log: Any) -> str | None:
        """Sample grid and copy rate."""
        if self.watcher is None:
            return None
        with autocast(self.device, self.recipe.dtype):
            return self.watcher(self.generator, step, log)


def _conditions(
    recipe: Recipe, data: FlowData, generator: Generator, device: torch.device
) -> dict[str, ConditionTokens]:
    """The Generator's conditioners with the values of this training, in the Generator's order."""
    settings = recipe.condition
    given = bool(settings.path) and settings.frozen
    return {
        name: ConditionTokens(
            conditioner,
            data.train_values[name],
            data.val_values[name],
            dropout=settings.domain_dropout if name == "domain" else settings.dropout,
            learns=not (given and isinstance(conditioner, TextConditioner)),
            device=device,
        )
        for name, conditioner in generator.conditioners.items()
    }


def draw_times(count: int, kind: str, draw: torch.Generator) -> Tensor:
    """Times `(count,)`: uniform, or logit-normal (Esser et al. 2024, eq. 19 with m 0, s 1)."""
    if kind == "logit-normal":
        return torch.sigmoid(torch.randn(count, generator=draw))
    return torch.rand(count, generator=draw)
