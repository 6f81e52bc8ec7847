"""A run's folder: taken once, continued only by the same recipe."""

from __future__ import annotations

import fcntl
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch

from synthmed.errors import SynthmedError
from synthmed.training.recipe import load_recipe, plain, save_recipe
from synthmed.training.settings import Recipe

CHANGEABLE = ("dtype", "device", "codec.gate", "codec.learning_rate", "flow.learning_rate", "card")
"""Settings that a run may be continued with other values of; nothing kept becomes wrong by them."""


@dataclass(frozen=True)
class Place:
    """Where a run lives and how it reports.

    Attributes:
        folder: The run's folder.
        base: Folder of the recipe, for relative paths in it.
        device: Where to compute.
        shown: Whether progress is shown.
    """

    folder: Path
    base: Path
    device: torch.device
    shown: bool


def claim(folder: Path, recipe: Recipe, resume: bool) -> IO[str]:
    """Take an empty folder, or with `resume` one of the same recipe.

    A changed recipe, where it may change, is written anew and the former one kept beside it as
    `recipe-1.yaml`, `recipe-2.yaml`, ...

    Args:
        folder: The run's folder.
        recipe: The run.
        resume: Whether a run in the folder is continued.

    Returns:
        The folder's lock; another process can take the folder once it is closed.

    Raises:
        SynthmedError: The folder holds something else, another recipe's run, a run that is not to
            be continued, or is in use.
    """
    file = folder / "recipe.yaml"
    strangers = (
        [p for p in folder.glob("*") if not p.name.startswith(".")] if not file.is_file() else []
    )
    if strangers:
        raise SynthmedError(
            "the folder holds other things than a run",
            where=strangers[0],
            mend="Choose another --out.",
        )
    if file.is_file() and not resume:
        raise SynthmedError(
            "the folder holds a run",
            where=folder,
            mend="Continue it with --resume, or choose another --out.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder)
    if file.is_file():
        saved = load_recipe(file)
        if saved == recipe:
            return lock
        _check_changes(plain(saved), plain(recipe), file)
        _keep(file)
    temporary = folder / ".recipe.tmp"
    save_recipe(recipe, temporary)
    temporary.rename(file)
    return lock


def _lock(folder: Path) -> IO[str]:
    lock = open(folder / ".lock", "w")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise SynthmedError("another process is training in this folder", where=folder) from error
    return lock


def _check_changes(saved: dict[str, Any], wanted: dict[str, Any], file: Path) -> None:
    changed = _differences(saved, wanted)
    firm = [key for key in changed if not f"{key}.".startswith(tuple(f"{c}." for c in CHANGEABLE))]
    if firm:
        raise SynthmedError(
            f"the run in the folder has another recipe (different: {', '.join(firm)})",
            where=file,
            mend="Resume with the same recipe and --set, or choose another --out.",
        )
    warnings.warn(f"continued with another {', '.join(changed)}", stacklevel=2)


def _differences(one: Any, other: Any, key: str = "") -> list[str]:
    """Dotted keys whose values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = dict.fromkeys([*one, *other])
        parts = [_differences(one.get(k), other.get(k), f"{key}.{k}" if key else k) for k in keys]
        return [found for part in parts for found in part]
    return [] if one == other else [key]


def _keep(file: Path) -> None:
    """Keep the recipe so far under the next free number."""
    number = 1 + len(list(file.parent.glob("recipe-*.yaml")))
    file.with_name(f"recipe-{number}.yaml").write_bytes(file.read_bytes())
