"""Training checkpoints: tensors in safetensors, the rest in JSON, complete or ignored."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from synthmed.errors import SynthmedError

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
    `complete.json` is written last; older checkpoints beyond `keep` are then removed.

    Raises:
        SynthmedError: The disk is full or cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"step-{checkpoint.step:08d}"
    temporary = folder / f".{final.name}.tmp"
    for stale in (temporary, final):
        shutil.rmtree(stale, ignore_errors=True)
    try:
        temporary.mkdir()
        for group, tensors in checkpoint.tensors.items():
            contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
            save_file(contiguous, temporary / f"{group}.safetensors")
        (temporary / "state.json").write_text(json.dumps(checkpoint.state, indent=1))
        for file in temporary.iterdir():
            _fsync(file)
        temporary.rename(final)
        complete = final / COMPLETE
        complete.write_text(json.dumps({"step": checkpoint.step}))
        _fsync(complete)
        _fsync(final)
        _fsync(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise SynthmedError(
            f"the checkpoint could not be written: {error.strerror}",
            where=final,
            mend="Free some space; the last complete checkpoint is kept, continue with --resume.",
        ) from error
    for old in sorted(_complete(folder))[:-keep]:
        shutil.rmtree(old)
    return final


def load_latest(folder: Path) -> Checkpoint | None:
    """Read the newest complete checkpoint under `folder`, or None; incomplete ones are ignored."""
    found = sorted(_complete(folder))
    if not found:
        return None
    path = found[-1]
    tensors = {file.stem: load_file(file) for file in sorted(path.glob("*.safetensors"))}
    step = json.loads((path / COMPLETE).read_text())["step"]
    return Checkpoint(step, tensors, json.loads((path / "state.json").read_text()))


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


def _complete(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [p for p in folder.iterdir() if _NAME.match(p.name) and (p / COMPLETE).is_file()]


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
