from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_runs import channels_last
from torch import nn

from synthmed.errors import DivergedError, SynthmedError
from synthmed.training.checkpoints import complete_checkpoints
from synthmed.training.loop import Outcome, Schedule, fit
from synthmed.transport.seeds import step_generator

SCHEDULE = Schedule(steps=12, warmup=2, validate_every=3, patience=2)


class Killed(BaseException):
    """Stands for a kill between two steps."""


class Toy:
    """A least-squares fit whose validation figures may be given."""

    name = "toy"

    def __init__(
        self,
        losses: Sequence[float] = (),
        *,
        die_at: int = -1,
        bad_at: int = -1,
        bad_gradient_at: int = -1,
        stop_at: int = -1,
        rate: float = 0.1,
    ) -> None:
        torch.manual_seed(0)
        self.net: nn.Conv2d = channels_last(nn.Conv2d(3, 5, 3))
        self.modules: dict[str, nn.Module] = {"net": self.net}
        self.helpers: dict[str, nn.Module] = {"critic": nn.Linear(2, 2)}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.AdamW([{"params": list(m.parameters()), "initial_lr": r}], lr=r)
            for (name, m), r in zip(
                (self.modules | self.helpers).items(), (rate, rate / 2), strict=True
            )
        }
        self.losses, self.die_at, self.bad_at = list(losses), die_at, bad_at
        self.bad_gradient_at, self.stop_at = bad_gradient_at, stop_at
        self.rates: dict[int, float] = {}
        self.looked: list[tuple[int, torch.Tensor]] = []

    def step(self, step: int) -> dict[str, float]:
        if step == self.die_at:
            raise Killed
        self.rates[step] = self.optimisers["net"].param_groups[0]["lr"]
        x = torch.randn(4, 3, 8, 8, generator=step_generator(0, step))
        loss = (self.net(x) - x[:, :1, 1:-1, 1:-1]).square().mean()
        loss = loss + self.helpers["critic"](x[0, 0, :2, :2]).square().mean()
        loss.backward()
        if step == self.bad_gradient_at:
            next(self.net.parameters()).grad.mul_(math.nan)  # type: ignore[union-attr]
        for optimiser in self.optimisers.values():
            optimiser.step()
            optimiser.zero_grad()
        return {"loss": math.nan if step == self.bad_at else float(loss.detach())}

    def validate(self) -> dict[str, float]:
        if self.losses:
            return {"loss": self.losses.pop(0)}
        x = torch.randn(8, 3, 8, 8, generator=step_generator(1, 0))
        with torch.no_grad():
            return {"loss": float((self.net(x) - x[:, :1, 1:-1, 1:-1]).square().mean())}

    def watch(self, step: int, log: Any) -> str | None:
        self.looked.append((step, self.net.weight.detach().clone()))
        return "it was enough" if step == self.stop_at else None


def run(task: Toy, folder: Path, schedule: Schedule = SCHEDULE) -> Outcome:
    return fit(task, schedule, folder, progress=lambda *_: None)


def weights(task: Toy) -> torch.Tensor:
    return task.net.weight.detach().clone()


def saved(folder: Path) -> list[str]:
    return [p.name for p in complete_checkpoints(folder / "checkpoints")]


def test_training_ends_with_the_recipes_steps(tmp_path: Path) -> None:
    task = Toy()
    outcome = run(task, tmp_path)
    assert (outcome.step, outcome.reason) == (12, "the recipe's 12 steps are done")
    assert saved(tmp_path) == ["step-00000009", "step-00000012"]
    assert [step for step, _ in task.looked] == [3, 6, 9, 12]
    assert task.rates == {step: pytest.approx(0.1 * SCHEDULE.rate(step)) for step in range(12)}


def test_the_last_step_is_validated_even_off_the_beat(tmp_path: Path) -> None:
    task = Toy()
    assert run(task, tmp_path, replace(SCHEDULE, steps=7)).step == 7
    assert [step for step, _ in task.looked] == [3, 6, 7]


def test_early_stop_by_patience_leaves_the_best_average(tmp_path: Path) -> None:
    task = Toy([1.0, 0.5, 0.7, 0.6, 0.1])
    outcome = run(task, tmp_path, replace(SCHEDULE, steps=100))
    assert (outcome.step, outcome.best_step, outcome.best) == (12, 6, {"loss": 0.5})
    assert outcome.reason == "validation loss has not fallen for 2 validations"
    assert torch.equal(weights(task), dict(task.looked)[6])  # watch saw the averages of step 6
    assert not torch.equal(weights(task), dict(task.looked)[12])


def test_watch_can_end_the_training(tmp_path: Path) -> None:
    outcome = run(Toy(stop_at=6), tmp_path)
    assert (outcome.step, outcome.reason) == (6, "it was enough")


def test_what_ended_stays_ended(tmp_path: Path) -> None:
    first, again = Toy(stop_at=6), Toy(die_at=0)
    one = run(first, tmp_path)
    assert run(again, tmp_path) == one
    assert torch.equal(weights(again), weights(first))


@pytest.mark.parametrize("die_at", [1, 3, 4, 8, 11])
def test_a_resumed_training_is_the_uninterrupted_one(die_at: int, tmp_path: Path) -> None:
    whole, part, rest = Toy(), Toy(die_at=die_at), Toy()
    outcome = run(whole, tmp_path / "whole")
    with pytest.raises(Killed):
        run(part, tmp_path / "cut")
    assert run(rest, tmp_path / "cut") == outcome
    assert min(rest.rates) == die_at // 3 * 3  # from the last checkpoint on
    for group in ("modules", "helpers"):
        for name, module in getattr(whole, group).items():
            for key, value in module.state_dict().items():
                assert torch.equal(value, getattr(rest, group)[name].state_dict()[key])
    for name in ("step-00000009", "step-00000012"):
        for file in (tmp_path / "whole" / "checkpoints" / name).iterdir():
            assert (
                file.read_bytes() == (tmp_path / "cut/checkpoints" / name / file.name).read_bytes()
            )


def test_moments_lie_in_memory_as_their_parameters_do(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(Toy(die_at=4), tmp_path)
    task = Toy(die_at=3)
    with pytest.raises(Killed):
        run(task, tmp_path)
    moments = task.optimisers["net"].state[task.net.weight]
    assert moments["exp_avg"].stride() == task.net.weight.stride()
    assert not moments["exp_avg"].is_contiguous()


@pytest.mark.parametrize(
    ("task", "what"),
    [
        (lambda: Toy(bad_at=7), "loss not finite at step 7"),
        (lambda: Toy([1.0, 0.9, math.nan]), "validation loss not finite at step 9"),
        (lambda: Toy([1.0, 0.9, math.inf]), "validation loss not finite at step 9"),
        # A bad gradient spoils the weights after a good loss: at step 7 the next loss shows it,
        # at step 8 the validation before the checkpoint.
        (lambda: Toy(bad_gradient_at=7), "loss not finite at step 8"),
        (lambda: Toy(bad_gradient_at=8), "validation loss not finite at step 9"),
    ],
)
def test_divergence_keeps_the_last_good_checkpoint(
    task: Callable[[], Toy], what: str, tmp_path: Path
) -> None:
    sick, healthy, whole = task(), Toy(), Toy()
    genuine = not sick.losses
    with pytest.raises(DivergedError, match=rf"^toy training diverged: {what}") as caught:
        run(sick, tmp_path)
    assert "step-00000006]. The last good checkpoint is kept: use --resume" in str(caught.value)
    assert saved(tmp_path) == ["step-00000003", "step-00000006"]
    assert run(healthy, tmp_path).step == 12
    assert bool(weights(healthy).isfinite().all())
    if genuine:
        run(whole, tmp_path / "whole")
        assert torch.equal(weights(healthy), weights(whole))


def test_a_resumed_training_takes_the_new_rate(tmp_path: Path) -> None:
    with pytest.raises(DivergedError):
        run(Toy(bad_at=7), tmp_path)
    task = Toy(rate=0.01)
    run(task, tmp_path)
    assert task.rates[6] == pytest.approx(0.01 * SCHEDULE.rate(6))


def test_divergence_before_any_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"at step 1 .*Start again with --set toy.learning"):
        run(Toy(bad_at=1), tmp_path)
    assert saved(tmp_path) == []


def test_a_full_disk_ends_the_training_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, fsync = 0, os.fsync

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 20:  # 10 a checkpoint: the third one
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SynthmedError, match=r"^the disk is full .*step-00000009"):
            run(Toy(), tmp_path)
    assert saved(tmp_path) == ["step-00000003", "step-00000006"]
    resumed, whole = Toy(), Toy()
    run(resumed, tmp_path)
    run(whole, tmp_path / "whole")
    assert torch.equal(weights(resumed), weights(whole))


def test_progress_is_told_after_each_step(tmp_path: Path) -> None:
    told: list[tuple[int, int, set[str]]] = []
    fit(
        Toy(),
        SCHEDULE,
        tmp_path,
        progress=lambda done, total, figures: told.append((done, total, set(figures))),
    )
    assert [(done, total) for done, total, _ in told] == [(step, 12) for step in range(1, 13)]
    assert told[0][2] == {"loss"}
    assert told[-1][2] == {"loss", "val loss"}


def test_a_killed_runs_log_is_continued_without_doubles(tmp_path: Path) -> None:
    schedule = replace(SCHEDULE, steps=60, validate_every=15, patience=9)
    with pytest.raises(Killed):
        run(Toy(die_at=43), tmp_path, schedule)
    run(Toy(), tmp_path, schedule)
    log = EventAccumulator(str(tmp_path / "logs"))
    log.Reload()
    assert [event.step for event in log.Scalars("toy/loss")] == [20, 40, 60]
    assert [event.step for event in log.Scalars("toy/validation/loss")] == [15, 30, 45, 60]


def test_state_is_json_without_surprises(tmp_path: Path) -> None:
    run(Toy(), tmp_path)
    state = json.loads((tmp_path / "checkpoints/step-00000012/state.json").read_text())
    assert state.keys() == {"best", "best_step", "reason", "optimisers"}
    assert state["optimisers"].keys() == {"net", "critic"}
    assert state["optimisers"]["net"]["param_groups"][0]["initial_lr"] == 0.1
