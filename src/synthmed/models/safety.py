"""Pickled weights are refused: unpickling can run any code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from synthmed.errors import SafetyError

_PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")


def refuse_pickle(file: Path) -> None:
    """Refuse a pickled checkpoint by its name.

    Raises:
        SafetyError: The file's name ends like a pickle's.
    """
    if file.is_file() and file.suffix.lower() in _PICKLES:
        raise SafetyError(
            "pickled weights can run code and are refused",
            where=file,
            mend="Convert them to safetensors.",
        )


def refuse_pickled_parts(folder: Path, parts: Iterable[str]) -> None:
    """Refuse parts of a model whose only weights are pickles; beside safetensors they lie unused.

    Args:
        folder: The model's folder.
        parts: Names of the folders in it whose weights would be opened.

    Raises:
        SafetyError: A part has pickles and no safetensors.
    """
    for part in parts:
        if not any((folder / part).glob("*.safetensors")):
            for file in sorted((folder / part).glob("*")):
                refuse_pickle(file)
