from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import channels_last, contents, largest_file
from torch import Tensor, nn

from synthmed.errors import SynthmedError
from synthmed.training.checkpoints import (
    Checkpoint,
    complete_checkpoints,
    load_latest,
    pack,
    save_checkpoint,
    tidy,
    unpack,
)


def checkpoint(step: int, size: int = 8) -> Checkpoint:
    draw = torch.Generator().manual_seed(step)
    values = torch.randn(size, 3, generator=draw)
    tensors = {"weights-net": {"a": values.T, "b": torch.tensor(7)}, "ema": {"a": values}}
    return Checkpoint(step, tensors, {"best": {"loss": 0.1 + step}, "reason": ""})


def same(one: Checkpoint | None, other: Checkpoint) -> bool:
    assert one is not None
    assert one.tensors.keys() == other.tensors.keys()
    for group, tensors in other.tensors.items():
        assert one.tensors[group].keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert one.tensors[group][name].dtype == tensor.dtype
            assert torch.equal(one.tensors[group][name], tensor)
    return one.step == other.step and one.state == other.state


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    assert load_latest(tmp_path) is None
    assert load_latest(tmp_path / "nowhere") is None
    folder = save_checkpoint(tmp_path, checkpoint(40))
    assert same(load_latest(tmp_path), checkpoint(40))
    # The layout that running trainings have.
    assert folder == tmp_path / "step-00000040"
    assert sorted(contents(tmp_path)) == [
        f"step-00000040/{name}"
        for name in ("complete.json", "ema.safetensors", "state.json", "weights-net.safetensors")
    ]
    assert json.loads((folder / "complete.json").read_text()) == {"step": 40}


def test_the_last_two_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    for step in (8, 9, 10, 100):
        save_checkpoint(tmp_path, checkpoint(step))
    assert [p.name for p in complete_checkpoints(tmp_path)] == ["step-00000010", "step-00000100"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000010", "step-00000100"]
    assert same(load_latest(tmp_path), checkpoint(100))


def test_an_incomplete_folder_is_ignored_and_overwritten(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    newer = save_checkpoint(tmp_path, checkpoint(2))
    (newer / "complete.json").unlink()
    (tmp_path / ".step-00000002.tmp").mkdir()
    (tmp_path / ".step-00000002.tmp" / "junk.safetensors").write_bytes(b"x")
    assert same(load_latest(tmp_path), checkpoint(1))
    save_checkpoint(tmp_path, checkpoint(2))
    assert same(load_latest(tmp_path), checkpoint(2))
    assert not list(tmp_path.glob(".*"))


def test_what_a_kill_left_half_removed_goes_with_the_next(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, checkpoint(step), keep=3)
    (tmp_path / "step-00000001" / "complete.json").unlink()
    (tmp_path / ".step-00000004.tmp").mkdir()
    tidy(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000002", "step-00000003"]
    tidy(tmp_path / "nowhere")


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    newer = save_checkpoint(tmp_path, checkpoint(2))
    file = newer / "ema.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(SynthmedError, match=r"damaged.*step-00000002\]. Delete this folder"):
        load_latest(tmp_path)
    shutil.rmtree(newer)
    assert same(load_latest(tmp_path), checkpoint(1))


def test_a_refused_write_is_one_error_and_the_last_checkpoint_is_kept(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    before = contents(tmp_path)
    message = r"^cannot write: File too large \[.*step-00000002\]. Mend that .* --resume; the last"
    with largest_file(100_000), pytest.raises(SynthmedError, match=message):
        save_checkpoint(tmp_path, checkpoint(2, size=100_000))
    assert contents(tmp_path) == before
    assert same(load_latest(tmp_path), checkpoint(1))


WRITES = 8  # fsync of 3 files, complete.json, two folders; two renames


@pytest.mark.parametrize("full_at", range(1, WRITES + 1))
def test_a_disk_full_at_any_moment(
    full_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    calls = 0

    def counted(function: Any) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == full_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*arguments, **keywords)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted(os.fsync))
        patch.setattr(Path, "rename", counted(Path.rename))
        with pytest.raises(SynthmedError, match=r"^the disk is full \[.*\]. .*--resume"):
            save_checkpoint(tmp_path, checkpoint(2))
    assert calls == full_at
    latest = load_latest(tmp_path)
    assert latest is not None
    assert same(latest, checkpoint(latest.step))  # 1, or 2 where all but the folders was flushed
    assert not list(tmp_path.glob(".*"))
    save_checkpoint(tmp_path, checkpoint(2))
    assert same(load_latest(tmp_path), checkpoint(2))


class Net(nn.Module):
    """Odd sizes, one channels-last parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 5, 3)
        self.second = nn.Linear(5, 7)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.first(x).mean(dim=(2, 3)))
        return y


def stepped(steps: int) -> tuple[Net, torch.optim.AdamW]:
    torch.manual_seed(0)
    net: Net = channels_last(Net())
    optimiser = torch.optim.AdamW(
        [{"params": list(net.parameters()), "initial_lr": 1e-2}], lr=1e-2, betas=(0.9, 0.99)
    )
    advance(net, optimiser, 0, steps)
    return net, optimiser


def advance(net: Net, optimiser: torch.optim.AdamW, first: int, steps: int) -> None:
    for step in range(first, first + steps):
        x = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(step))
        (net(x) ** 2).mean().backward()
        optimiser.step()
        optimiser.zero_grad()


def test_adamw_survives_packing_exactly(tmp_path: Path) -> None:
    net, optimiser = stepped(3)
    packed, rest = pack(optimiser.state_dict())
    save_checkpoint(tmp_path, Checkpoint(3, {"optimiser": packed}, {"rest": rest}))
    saved = load_latest(tmp_path)
    assert saved is not None
    loaded = unpack(saved.tensors["optimiser"], saved.state["rest"])
    state = optimiser.state_dict()
    assert loaded["state"].keys() == state["state"].keys()
    for index, values in state["state"].items():
        assert values.keys() == loaded["state"][index].keys() == {"step", "exp_avg", "exp_avg_sq"}
        for name, value in values.items():
            assert value.dtype == loaded["state"][index][name].dtype
            assert torch.equal(value, loaded["state"][index][name])
    fresh_net, fresh = stepped(0)
    fresh_net.load_state_dict(net.state_dict())
    fresh.load_state_dict(loaded)
    assert fresh.param_groups[0]["lr"] == optimiser.param_groups[0]["lr"]
    advance(net, optimiser, 3, 2)
    advance(fresh_net, fresh, 3, 2)
    assert all(map(torch.equal, net.state_dict().values(), fresh_net.state_dict().values()))
