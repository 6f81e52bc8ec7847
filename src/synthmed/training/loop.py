"""The training loop that codec and generator share: resumable bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from synthmed.training.schedule import Schedule
from synthmed.training.state import Task, TrainingState
from synthmed.training.workers import average, is_first

__all__ = ["Outcome", "Schedule", "Task", "fit"]

_LOG_EVERY = 20  # steps


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


def fit(
    task: Task,
    schedule: Schedule,
    folder: Path,
    *,
    progress: Callable[[int, int, dict[str, float]], None],
) -> Outcome:
    """Train until validation, `watch` or the last step ends it; leave the best average in place.

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
        DivergedError: A loss or validation figure is not finite; the last checkpoint is kept.
        SynthmedError: A checkpoint cannot be written.
    """
    run = TrainingState(task, schedule, folder / "checkpoints")
    run.restore()
    figures = {f"val {k}": v for k, v in run.best.items()} if run.step else {}
    with _log(folder / "logs", run.step) as log:
        while not run.reason:
            losses = _step(run)
            if run.step % schedule.validate_every == 0 or run.step >= schedule.steps:
                figures = {f"val {k}": v for k, v in run.validate(log).items()}
                if log is not None:
                    run.save()
            if run.step % _LOG_EVERY == 0 and log is not None:
                for key, value in losses.items():
                    log.add_scalar(f"{task.name}/{key}", value, run.step)
            progress(run.step, schedule.steps, losses | figures)
    run.ema.load(run.best_weights)
    run.ema.swap()
    return Outcome(run.step, run.best_step, run.best, run.reason)


def _step(run: TrainingState) -> dict[str, float]:
    """One step of the optimisers and of the weights' average."""
    rate = run.schedule.rate(run.step)
    for optimiser in run.task.optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * rate
    losses = average(run.task.step(run.step))
    run.check(losses)
    run.ema.update(run.step)
    run.step += 1
    return losses


@contextmanager
def _log(folder: Path, step: int) -> Iterator[SummaryWriter | None]:
    """The first process's TensorBoard writer; what a killed run logged after `step` is dropped."""
    if not is_first():
        yield None
        return
    with SummaryWriter(str(folder), purge_step=step + 1) as log:
        yield log
