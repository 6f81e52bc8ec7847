"""The training loop that codec and generator share: resumable bit for bit, stopped by validation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from synthmed.errors import DivergedError
from synthmed.training.checkpoints import Checkpoint, load_latest, pack, save_checkpoint, unpack
from synthmed.training.ema import Ema


@dataclass(frozen=True)
class Schedule:
    """When to stop, to validate and how fast to learn.

    Attributes:
        steps: Optimiser steps at most.
        warmup: Steps of linear warm-up; afterwards the rate falls along a cosine.
        validate_every: Steps between validations; a checkpoint is written at each.
        patience: Validations without improvement after which training ends.
        ema: Decay of the weights' average.
        final: Share of the peak rate left at the last step.
    """

    steps: int
    warmup: int = 100
    validate_every: int = 250
    patience: int = 8
    ema: float = 0.999
    final: float = 0.05

    def rate(self, step: int) -> float:
        """Share of the peak learning rate at a step (counted from 0): a function of it alone."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        along = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * along))


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


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        step: The last step.
        best_step: The step whose averaged weights are kept.
        best: Its validation figures.
        reason: Why it ended.
    """

    step: int
    best_step: int
    best: dict[str, float]
    reason: str


class _Run:
    """State of one training between validations."""

    def __init__(self, task: Task, schedule: Schedule, folder: Path) -> None:
        self.task, self.schedule, self.folder = task, schedule, folder
        self.ema = Ema(task.modules, schedule.ema)
        self.step = 0
        self.best: dict[str, float] = {"loss": math.inf}
        self.best_step = 0
        self.best_weights = {k: v.clone() for k, v in self.ema.average.items()}
        self.reason = ""

    def restore(self) -> None:
        saved = load_latest(self.folder)
        if saved is None:
            return
        for group in (self.task.modules, self.task.helpers):
            for name, module in group.items():
                module.load_state_dict(saved.tensors[f"weights-{name}"])
        for name, optimiser in self.task.optimisers.items():
            rest = saved.state["optimisers"][name]
            optimiser.load_state_dict(unpack(saved.tensors[f"optimiser-{name}"], rest))
        self.ema.load(saved.tensors["ema"])
        self.best_weights = saved.tensors["best"]
        self.step, self.best_step = saved.step, saved.state["best_step"]
        self.best, self.reason = saved.state["best"], saved.state["reason"]

    def save(self) -> None:
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

    def validate(self, log: SummaryWriter) -> dict[str, float]:
        self.ema.swap()
        try:
            figures = self.task.validate()
            stop = self.task.watch(self.step, log)
        finally:
            self.ema.swap()
        for key, value in figures.items():
            log.add_scalar(f"{self.task.name}/validation/{key}", value, self.step)
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


def fit(
    task: Task,
    schedule: Schedule,
    folder: Path,
    *,
    progress: Callable[[int, int, dict[str, float]], None],
) -> Outcome:
    """Train until validation (or `watch`, or the last step) ends it; leave the best average in place.

    Continues from the newest complete checkpoint in `folder`, and then gives the same weights
    bit for bit as an uninterrupted run, on the same machine and number of threads.

    Args:
        task: What to train.
        schedule: Steps, rates, validation.
        folder: Where checkpoints and logs go.
        progress: Called after each step with (step, steps, latest figures).

    Returns:
        How it ended; `task.modules` hold the averaged weights of the best validation.

    Raises:
        DivergedError: A loss is not a finite number; the last checkpoint is kept.
    """
    run = _Run(task, schedule, folder / "checkpoints")
    run.restore()
    figures = dict(run.best) if run.step else {}
    with SummaryWriter(str(folder / "logs")) as log:
        while not run.reason:
            rate = schedule.rate(run.step)
            for optimiser in task.optimisers.values():
                for group in optimiser.param_groups:
                    group["lr"] = group["initial_lr"] * rate
            losses = task.step(run.step)
            _check_finite(losses, task.name, run.step, folder)
            run.ema.update(run.step)
            run.step += 1
            if run.step % schedule.validate_every == 0 or run.step >= schedule.steps:
                figures = {f"val {k}": v for k, v in run.validate(log).items()}
                run.save()
            if run.step % 20 == 0:
                for key, value in losses.items():
                    log.add_scalar(f"{task.name}/{key}", value, run.step)
            progress(run.step, schedule.steps, losses | figures)
    run.ema.load(run.best_weights)
    run.ema.swap()
    return Outcome(run.step, run.best_step, run.best, run.reason)


def _check_finite(losses: dict[str, float], name: str, step: int, folder: Path) -> None:
    bad = [key for key, value in losses.items() if not math.isfinite(value)]
    if bad:
        raise DivergedError(
            f"{name} training diverged: {', '.join(bad)} is not a number at step {step}",
            where=folder,
            mend="The last good checkpoint is kept; lower learning_rate or use --set dtype=float32.",
        )
