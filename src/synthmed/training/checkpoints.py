"""Training checkpoints: tensors in safetensors, the rest in JSON, complete or ignored."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.training.disk import fsync, write_json, writing

COMPLETE = "complete.json"
_NAME = re.compile(r"step-(\d{8})$")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint folder holds.

    Attributes:
        step: Optimiser steps done.
        tensors: Groups of named tensors, for example `{"denoiser": state_dict, "ema": ...}`.
        state: Everything else, JSON-serialisable.
    """

    step: int
    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int = 2) -> Path:
    """Write a checkpoint under `folder` so that a kill at any moment leaves the last one usable.

    The files go to a temporary folder, are flushed to disk, the folder is renamed, and
    `complete.json` is renamed into it last; all checkpoints but the last `keep` are then removed.

    Raises:
        SynthmedError: The disk is full or cannot be written.
    """
    final = folder / f"step-{checkpoint.step:08d}"
    temporary = folder / f".{final.name}.tmp"
    with writing(final):
        try:
            _write(checkpoint, temporary, final)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        tidy(folder, keep)
    return final


def _write(checkpoint: Checkpoint, temporary: Path, final: Path) -> None:
    for stale in (temporary, final):
        shutil.rmtree(stale, ignore_errors=True)
    temporary.mkdir(parents=True)
    for group, tensors in checkpoint.tensors.items():
        contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, temporary / f"{group}.safetensors")
    (temporary / "state.json").write_text(json.dumps(checkpoint.state, indent=1))
    for file in temporary.iterdir():
        fsync(file)
    temporary.rename(final)
    write_json(final / COMPLETE, {"step": checkpoint.step})
    fsync(final)
    fsync(final.parent)


def tidy(folder: Path, keep: int = 2) -> None:
    """Remove all checkpoints but the last `keep`, and what a kill left half written or removed."""
    kept = complete_checkpoints(folder)[-keep:]
    for old in folder.glob("*step-*"):
        if old not in kept:
            (old / COMPLETE).unlink(missing_ok=True)
            shutil.rmtree(old)


def load_latest(folder: Path) -> Checkpoint | None:
    """Read the newest complete checkpoint under `folder`, or None; incomplete ones are ignored.

    Raises:
        SynthmedError: It is complete by name, but damaged.
    """
    found = complete_checkpoints(folder)
    if not found:
        return None
    path = found[-1]
    try:
        tensors = {file.stem: load_file(file) for file in sorted(path.glob("*.safetensors"))}
        state = json.loads((path / "state.json").read_text())
    except (OSError, ValueError, SafetensorError) as error:
        raise SynthmedError(
            f"the checkpoint is damaged: {error}",
            where=path,
            mend="Delete this folder to continue from the checkpoint before it.",
        ) from error
    return Checkpoint(_step(path), tensors, state)


def complete_checkpoints(folder: Path) -> list[Path]:
    """Give the folders of the complete checkpoints under `folder`, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if _NAME.match(p.name) and (p / COMPLETE).is_file())


def _step(path: Path) -> int:
    found = _NAME.match(path.name)
    assert found is not None
    return int(found[1])


def pack(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split an optimiser's `state_dict` into tensors (`"index.name"`) and JSON."""
    tensors = {
        f"{index}.{name}": value
        for index, values in state["state"].items()
        for name, value in values.items()
    }
    return tensors, {"param_groups": state["param_groups"]}


def unpack(tensors: Mapping[str, Tensor], rest: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `pack`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    return {"state": state, "param_groups": rest["param_groups"]}
