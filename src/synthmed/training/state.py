"""What a training knows between two steps: weights, averages, optimisers, the best validation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from synthmed.errors import DivergedError
from synthmed.training.checkpoints import (
    Checkpoint,
    complete_checkpoints,
    load_latest,
    pack,
    save_checkpoint,
    tidy,
    unpack,
)
from synthmed.training.ema import Ema
from synthmed.training.schedule import Schedule
from synthmed.training.workers import agreed, is_first


class Task(Protocol):
    """What is trained: a codec or a generator.

    Attributes:
        name: Used in messages and logs.
        modules: The networks that training changes and that are kept at the end.
        helpers: Networks that only training needs (a discriminator).
        optimisers: Named optimisers.
    """

    name: str
    modules: dict[str, nn.Module]
    helpers: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]

    def step(self, step: int) -> dict[str, float]:
        """One optimiser step; every draw is a function of the run's seed and of `step`."""

    def validate(self) -> dict[str, float]:
        """Figures on validation rows with the averaged weights; `loss` decides."""

    def watch(self, step: int, log: Any) -> str | None:
        """Look at samples with the averaged weights; a returned reason ends the training."""


class TrainingState:
    """State of one training, kept in checkpoints."""

    def __init__(self, task: Task, schedule: Schedule, folder: Path) -> None:
        self.task, self.schedule, self.folder = task, schedule, folder
        self.ema = Ema(task.modules, schedule.ema)
        self.step = 0
        self.best: dict[str, float] = {"loss": math.inf}
        self.best_step = 0
        self.best_weights = {k: v.clone() for k, v in self.ema.average.items()}
        self.reason = ""

    def restore(self) -> None:
        """Continue from the newest complete checkpoint, if there is one."""
        if is_first():
            tidy(self.folder)
        saved = load_latest(self.folder)
        if saved is None:
            return
        for group in (self.task.modules, self.task.helpers):
            for name, module in group.items():
                module.load_state_dict(saved.tensors[f"weights-{name}"])
        for name, optimiser in self.task.optimisers.items():
            rest = saved.state["optimisers"][name]
            _load_optimiser(optimiser, unpack(saved.tensors[f"optimiser-{name}"], rest))
        self.ema.load(saved.tensors["ema"])
        self.best_weights = saved.tensors["best"]
        self.step, self.best_step = saved.step, saved.state["best_step"]
        self.best, self.reason = saved.state["best"], saved.state["reason"]

    def save(self) -> None:
        """Write a checkpoint."""
        tensors: dict[str, dict[str, Tensor]] = {
            "ema": self.ema.average,
            "best": self.best_weights,
        }
        for group in (self.task.modules, self.task.helpers):
            tensors |= {f"weights-{n}": dict(m.state_dict()) for n, m in group.items()}
        state: dict[str, Any] = {
            "best": self.best,
            "best_step": self.best_step,
            "reason": self.reason,
            "optimisers": {},
        }
        for name, optimiser in self.task.optimisers.items():
            packed, rest = pack(optimiser.state_dict())
            tensors[f"optimiser-{name}"] = packed
            state["optimisers"][name] = rest
        save_checkpoint(self.folder, Checkpoint(self.step, tensors, state))

    def check(self, figures: dict[str, float], kind: str = "") -> None:
        """Stop at a figure that is not finite, before it spoils a checkpoint."""
        bad = [kind + key for key, value in figures.items() if not math.isfinite(value)]
        if not bad:
            return
        name, good = self.task.name, complete_checkpoints(self.folder)
        go_on = "The last good checkpoint is kept: use --resume" if good else "Start again"
        raise DivergedError(
            f"{name} training diverged: {', '.join(bad)} not finite at step {self.step}",
            where=good[-1] if good else self.folder,
            mend=f"{go_on} with --set {name}.learning_rate=... (lower) or --set dtype=float32.",
        )

    def validate(self, log: Any) -> dict[str, float]:
        """Validate the averaged weights, keep them if they are the best, decide whether to end.

        Args:
            log: A TensorBoard writer; None in processes that only hear of the result.

        Returns:
            The validation figures.
        """
        figures, stop = agreed(self._look(log) if log is not None else ({}, None))
        if figures["loss"] < self.best["loss"]:
            self.best, self.best_step = figures, self.step
            self.best_weights = {k: v.clone() for k, v in self.ema.average.items()}
        waited = (self.step - self.best_step) // self.schedule.validate_every
        if stop:
            self.reason = stop
        elif waited >= self.schedule.patience:
            self.reason = f"validation loss has not fallen for {waited} validations"
        elif self.step >= self.schedule.steps:
            self.reason = f"the recipe's {self.schedule.steps} steps are done"
        return figures

    def _look(self, log: Any) -> tuple[dict[str, float], str | None]:
        self.ema.swap()
        try:
            figures = self.task.validate()
            self.check(figures, "validation ")
            stop = self.task.watch(self.step, log)
        finally:
            self.ema.swap()
        for key, value in figures.items():
            log.add_scalar(f"{self.task.name}/validation/{key}", value, self.step)
        return figures, stop


def _load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load a state, keeping the present peak rate and each parameter's order in memory.

    Checkpoints are contiguous while parameters may be channels-last; an uninterrupted run has its
    moments in the order of the parameters, and so has a resumed one.
    """
    rates = [group["initial_lr"] for group in optimiser.param_groups]
    optimiser.load_state_dict(state)
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["initial_lr"] = rate
    for parameter, values in optimiser.state.items():
        for name, value in values.items():
            if value.dim() and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter).copy_(value)
